package workflows

import "github.com/nightshift-run/nightshift/jobs"

// The calls by which a job takes its output, takes over what earlier jobs have
// answered, and assembles its results.

// ClaimCall is the input of ClaimOutput.
type ClaimCall struct {
	Job        string    `json:"job"`
	Run        string    `json:"run"` // id of the workflow's first run, which a reset keeps
	Output     string    `json:"output"`
	Replace    bool      `json:"replace,omitempty"`
	ResumeFrom jobs.URLs `json:"resume_from,omitempty"`
}

// Claimed is the result of ClaimOutput.
type Claimed struct {
	URL     string   `json:"url"`               // of the claim
	Earlier []string `json:"earlier,omitempty"` // plan.json of the jobs that are resumed from
}

// ReuseCall is the input of ReuseResults.
type ReuseCall struct {
	Job     string   `json:"job"`
	PlanURL string   `json:"plan_url"`
	Earlier []string `json:"earlier"`
}

// Reused is the result of ReuseResults.
type Reused struct {
	Requests int64        `json:"requests"` // that earlier jobs have answered
	Answered []ShardRange `json:"answered"` // shards of which nothing is left to send, in order
	Counts   jobs.Counts  `json:"counts"`   // of these shards alone
	Usage    jobs.Usage   `json:"usage"`    // of these shards alone
}

// ShardRange is shards From to To, without To.
type ShardRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// CollectCall is the input of CollectResults.
type CollectCall struct {
	Job     string `json:"job"`
	PlanURL string `json:"plan_url"`
	Output  string `json:"output"`
	Missing string `json:"missing"` // error code for lines without a result

	Results jobs.Results `json:"results,omitzero"`
	Claim   string       `json:"claim,omitempty"` // must still be the newest on the output; empty in jobs of older versions
}

// Collected is the result of CollectResults.
type Collected struct {
	Counts jobs.Counts `json:"counts"`
	Usage  jobs.Usage  `json:"usage"`
	Files  []jobs.File `json:"files"`
}
