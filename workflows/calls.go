package workflows

import (
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// The inputs and results of workflows, activities and signals. They live on in
// running histories: fields are added, never changed.

// BatchInput starts a Batch.
type BatchInput struct {
	Job   string      `json:"job"`
	Spec  jobs.Spec   `json:"spec"`
	State *BatchState `json:"state,omitempty"` // set by continue-as-new only
}

// BatchState is what one run of a Batch hands to the next.
type BatchState struct {
	Plan     Plan        `json:"plan"`
	Next     int         `json:"next"`            // first shard that was never started
	Again    []int       `json:"again,omitempty"` // shards to start again, since their endpoint was lost; at most a window
	Rental   int         `json:"rental"`          // number of the open rental
	Address  Address     `json:"address"`
	Deadline time.Time   `json:"deadline"`
	Report   jobs.Report `json:"report"`
}

// Plan says where the checked input's shards are written down.
type Plan struct {
	URL      string `json:"url"` // plan.json
	Requests int64  `json:"requests"`
	Bytes    int64  `json:"bytes"`
	Shards   int    `json:"shards"`
}

// PlanCall is the input of PlanInput.
type PlanCall struct {
	Job    string    `json:"job"`
	Input  jobs.URLs `json:"input"`
	Output string    `json:"output"`
}

// Address is how requests reach an endpoint.
type Address struct {
	Provider string `json:"provider"` // names the token to send
	BaseURL  string `json:"base_url"` // OpenAI-compatible, ends in /v1
	Model    string `json:"model"`    // value of "model" that is routed there
}

// EndpointRequest is the input of Endpoint, and the ask signal.
type EndpointRequest struct {
	Job      string        `json:"job"`
	Owner    string        `json:"owner"`  // workflow id to answer to, and to outlive by seconds only
	Rental   int           `json:"rental"` // the owner's count, echoed in every answer
	Endpoint jobs.Endpoint `json:"endpoint"`
	Warmup   jobs.Duration `json:"warmup"`
	Deadline time.Time     `json:"deadline"` // released by then whatever the owner says
}

// Dismissal is the dismiss signal.
type Dismissal struct {
	Request EndpointRequest `json:"request"` // so that an Endpoint can be started only to release
	Reason  string          `json:"reason"`
}

// RentalNews is the rental signal: what became of what was asked for.
type RentalNews struct {
	Number   int         `json:"number"` // EndpointRequest.Rental
	Stage    RentalStage `json:"stage"`
	Address  Address     `json:"address"` // from ready on
	Rental   jobs.Rental `json:"rental"`
	ErrType  string      `json:"err_type,omitempty"` // of jobs' error types, when it ended for an error
	ErrText  string      `json:"err_text,omitempty"`
	Progress string      `json:"progress,omitempty"`
}

// RentalStage is how far a rental has come.
type RentalStage string

// The stages of a rental, in order.
const (
	Asked    RentalStage = "asked"
	Created  RentalStage = "created"
	Serving  RentalStage = "serving"
	Released RentalStage = "released" // and the provider's listing confirms it
)

// CreateCall is the input of CreateEndpoint; its result is an EndpointCreated.
type CreateCall struct {
	Job      string        `json:"job"`
	Endpoint jobs.Endpoint `json:"endpoint"`
	Deadline time.Time     `json:"deadline"` // goes into the endpoint's name
}

// EndpointCreated names what was created or adopted.
type EndpointCreated struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Adopted bool      `json:"adopted"` // it existed already, from an earlier attempt whose answer was lost
	At      time.Time `json:"at"`
}

// AwaitCall is the input of AwaitEndpoint; its result is an EndpointReady.
type AwaitCall struct {
	ID       string        `json:"id"`
	Endpoint jobs.Endpoint `json:"endpoint"`
}

// EndpointReady says that the endpoint answered.
type EndpointReady struct {
	Address  Address   `json:"address"`
	Replicas int       `json:"replicas"`
	At       time.Time `json:"at"`
}

// EndpointBeat is what AwaitEndpoint and ReleaseEndpoint heartbeat.
type EndpointBeat struct {
	Phase     string    `json:"phase"`      // provider.Phase
	Detail    string    `json:"detail"`     // the provider's own words
	StopAsked time.Time `json:"stop_asked"` // ReleaseEndpoint: when the provider first accepted the stop
}

// ReleaseCall is the input of ReleaseEndpoint; its result is an
// EndpointReleased.
type ReleaseCall struct {
	Job      string        `json:"job"`
	ID       string        `json:"id"` // empty when creation was never confirmed
	Endpoint jobs.Endpoint `json:"endpoint"`
}

// EndpointReleased is the proof of the end.
type EndpointReleased struct {
	Found     int       `json:"found"`      // endpoints of this job that still held, or might hold, GPUs
	StopAsked time.Time `json:"stop_asked"` // zero when nothing had to be stopped
	Confirmed time.Time `json:"confirmed"`
	How       string    `json:"how"`
}

// ShardCall is the input of RunShard; its result is a ShardDone.
type ShardCall struct {
	Job      string        `json:"job"`
	PlanURL  string        `json:"plan_url"`
	Shard    int           `json:"shard"`
	Address  Address       `json:"address"`
	Requests jobs.Requests `json:"requests"`
}

// ShardDone counts one shard's result lines, those of earlier attempts
// included.
type ShardDone struct {
	Shard     int        `json:"shard"`
	Completed int64      `json:"completed"`
	Failed    int64      `json:"failed"`
	Usage     jobs.Usage `json:"usage"`
}

// ShardBeat is what RunShard heartbeats: a hint for people and programs that
// watch. The checkpoint of record is the parts in the bucket.
type ShardBeat struct {
	Shard     int   `json:"shard"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
	InFlight  int   `json:"in_flight"`
	Tokens    int64 `json:"tokens"` // input and output
}

// CollectCall is the input of CollectResults.
type CollectCall struct {
	Job     string `json:"job"`
	PlanURL string `json:"plan_url"`
	Output  string `json:"output"`
	Missing string `json:"missing"` // error code for lines without a result
}

// Collected is the result of CollectResults.
type Collected struct {
	Counts jobs.Counts `json:"counts"`
	Usage  jobs.Usage  `json:"usage"`
	Files  []jobs.File `json:"files"`
}

// Progress answers the progress query: what the workflow itself knows, which
// is counts of shards that are done. Heartbeats of open shards say more.
type Progress struct {
	Job      string       `json:"job"`
	Phase    jobs.Phase   `json:"phase"`
	Counts   jobs.Counts  `json:"counts"`
	Usage    jobs.Usage   `json:"usage"`
	Shards   int          `json:"shards"`
	Done     int          `json:"done"`
	Open     int          `json:"open"`
	Stage    RentalStage  `json:"stage,omitempty"`
	Rental   jobs.Rental  `json:"rental"`
	Deadline time.Time    `json:"deadline"`
	Outcome  jobs.Outcome `json:"outcome,omitempty"` // once it is settled
	Reason   string       `json:"reason,omitempty"`
}
