package workflows

import (
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// The inputs and results of workflows, activities and signals, here and in the
// other files of calls. They live on in running histories: fields are added, never
// changed.

// BatchInput starts a Batch.
type BatchInput struct {
	Job   string      `json:"job"`
	Spec  jobs.Spec   `json:"spec"`
	State *BatchState `json:"state,omitempty"` // set by continue-as-new only
	Night *Night      `json:"night,omitempty"` // set for the run of a schedule
}

// BatchState is what one run of a Batch hands to the next.
type BatchState struct {
	Plan     Plan        `json:"plan"`
	Next     int         `json:"next"`            // first shard that was never started
	Again    []int       `json:"again,omitempty"` // shards to start again, since their endpoint was lost; at most a window
	Rental   int         `json:"rental"`          // number of the open rental
	Since    time.Time   `json:"since"`           // when it was asked for
	Choice   int         `json:"choice"`          // which of the spec's endpoints it is
	Lost     int         `json:"lost"`            // endpoints lost in mid-run so far
	Terms    []Terms     `json:"terms"`           // of each of the spec's endpoints
	Address  Address     `json:"address"`
	Sent     Sent        `json:"sent"` // to the open rental
	Deadline time.Time   `json:"deadline"`
	Report   jobs.Report `json:"report"`
	Workers  int         `json:"workers,omitempty"` // how many data workers have finished shards lately

	Claim    string       `json:"claim,omitempty"`    // Claimed.URL
	Earlier  []string     `json:"earlier,omitempty"`  // Claimed.Earlier
	Run      string       `json:"run,omitempty"`      // RentalNews.Run
	Journal  string       `json:"journal,omitempty"`  // RentalNews.Journal
	Answered []ShardRange `json:"answered,omitempty"` // shards from Next on that earlier jobs have answered, in order
}

// Plan says where the checked input's shards are written down.
type Plan struct {
	URL      string `json:"url"` // plan.json
	Requests int64  `json:"requests"`
	Bytes    int64  `json:"bytes"`
	Shards   int    `json:"shards"`
	Invalid  int64  `json:"invalid,omitempty"` // of the requests: lines that cannot be sent and have their error lines already

	// Ends is, for each shard, how many requests there are up to its last: for
	// people, who are told which lines a shard has. It is absent from the plan of
	// more shards than MaxEnds.
	Ends []int64 `json:"ends,omitempty"`

	Digest    string `json:"digest,omitempty"`    // of the input objects' URLs and versions
	Unchanged bool   `json:"unchanged,omitempty"` // the digest is PlanCall.Unless: nothing was read or written
}

// MaxEnds bounds Plan.Ends to what a history can hold: about 20 kB.
const MaxEnds = 2000

// nameOf says which shard it is, and which lines of the input it has.
func (p Plan) nameOf(shard int) string {
	name := fmt.Sprintf("shard %d/%d", shard+1, p.Shards)
	if shard >= len(p.Ends) {
		return name
	}
	first := int64(1)
	if shard > 0 {
		first += p.Ends[shard-1]
	}
	return name + ", lines " + grouped(first) + "-" + grouped(p.Ends[shard])
}

// PlanCall is the input of PlanInput.
type PlanCall struct {
	Job    string    `json:"job"`
	Input  jobs.URLs `json:"input"`
	Output string    `json:"output"`
	Unless string    `json:"unless,omitempty"` // Plan.Digest of an input that needs no plan

	// As in jobs.Spec; empty ones mean the defaults.
	OnInvalid jobs.OnInvalid `json:"on_invalid,omitempty"`
	Models    jobs.Models    `json:"models,omitempty"`
	MaxLine   jobs.Size      `json:"max_line,omitzero"`
	Expect    jobs.Expect    `json:"expect,omitzero"`
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
	Guard    string       `json:"guard,omitempty"` // workflow id of the Endpoint
	Deadline time.Time    `json:"deadline"`
	Outcome  jobs.Outcome `json:"outcome,omitempty"` // once it is settled
	Reason   string       `json:"reason,omitempty"`

	GPUSeconds float64    `json:"gpu_seconds,omitempty"` // billed for rentals that are over
	Cost       jobs.Money `json:"cost,omitzero"`         // of them; absent when a price is not known

	Paused    bool `json:"paused,omitempty"`    // by hand, or on its way there
	Finishing bool `json:"finishing,omitempty"` // the pause lets requests in flight take their time
	Claimed   bool `json:"claimed,omitempty"`   // the output is the job's own

	Phases []jobs.PhaseTime `json:"phases,omitempty"` // so far; the last one has no end
}

// Pause is the pause update.
type Pause struct {
	// Release gives the endpoint back, and gives what is in flight seconds only.
	// Without it the endpoint stays, and is billed.
	Release bool `json:"release,omitempty"`
}
