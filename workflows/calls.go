package workflows

import (
	"cmp"
	"fmt"
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

// Terms are what a provider's catalogue says about an endpoint of the spec.
// They are the result of CheckEndpoint.
type Terms struct {
	GPUs      int        `json:"gpus"`                 // of one replica; 0 where nothing is billed
	Price     jobs.Money `json:"price,omitzero"`       // of one replica for one hour; absent when nobody tells
	PriceFrom string     `json:"price_from,omitempty"` // who told it
	CanScale  bool       `json:"can_scale,omitempty"`
}

// CheckCall is the input of CheckEndpoint; its result is the Terms.
type CheckCall struct {
	Endpoint jobs.Endpoint `json:"endpoint"`
	Limits   jobs.Limits   `json:"limits"` // a limit of the cost needs a price in its currency
}

// Sent is when requests of one rental, or of one shard, were first sent and
// last answered; zero when none was.
type Sent struct {
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Add widens s to hold other.
func (s *Sent) Add(other Sent) {
	if s.First.IsZero() || !other.First.IsZero() && other.First.Before(s.First) {
		s.First = other.First
	}
	if other.Last.After(s.Last) {
		s.Last = other.Last
	}
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

// Address is how requests reach an endpoint.
type Address struct {
	Provider string `json:"provider"`           // names the token to send
	BaseURL  string `json:"base_url"`           // OpenAI-compatible, ends in /v1
	Model    string `json:"model"`              // value of "model" that is routed there
	Replicas int    `json:"replicas,omitempty"` // that were ready when it first answered, as far as is known
}

// BatchAddress is where the Batch API of an endpoint in mode provider-batch is
// reached.
func BatchAddress(endpoint jobs.Endpoint) Address {
	return Address{Provider: endpoint.Provider, BaseURL: cmp.Or(endpoint.ControlURL, endpoint.BaseURL), Model: endpoint.Model}
}

// EndpointInput starts an Endpoint: with what its first owner asks for.
type EndpointInput struct {
	EndpointRequest
	Lending *Lending `json:"lending,omitempty"` // of a shared endpoint, set by continue-as-new only
}

// EndpointRequest is the ask signal.
type EndpointRequest struct {
	Job      string        `json:"job"`
	Owner    string        `json:"owner"`  // workflow id to answer to, and to outlive by seconds only
	Rental   int           `json:"rental"` // the owner's count, echoed in every answer
	Since    time.Time     `json:"since"`  // when the owner first asked for it, echoed too: an owner that was reset counts anew
	Endpoint jobs.Endpoint `json:"endpoint"`
	Terms    Terms         `json:"terms"`
	Output   string        `json:"output"` // of the job; a journal lies below it where names cannot be searched
	Warmup   jobs.Duration `json:"warmup"`
	Deadline time.Time     `json:"deadline"` // released by then whatever the owner says
	Cap      *Cap          `json:"cap,omitempty"`
	Journal  string        `json:"journal,omitempty"` // RentalNews.Journal, of one who was told it
}

// Lending is what one run of a shared endpoint's Endpoint hands to the next.
type Lending struct {
	Leases  []Lease     `json:"leases,omitempty"`
	News    *RentalNews `json:"news,omitempty"` // of the rental that goes on; nil for one that begins
	Until   time.Time   `json:"until,omitzero"` // not to be released before, even if no job has it
	Ends    time.Time   `json:"ends,omitzero"`  // its lifetime
	Settled time.Time   `json:"settled,omitzero"`
	Sum     float64     `json:"sum,omitempty"`  // replica-seconds that are divided among the leases, or idle
	Idle    float64     `json:"idle,omitempty"` // of them, billed while no job had it
	Uses    []jobs.Use  `json:"uses,omitempty"` // of jobs that returned it, the last jobs.MaxUses
	Jobs    int         `json:"jobs,omitempty"` // that had it

	Journals []string `json:"journals,omitempty"` // outputs below which further journals lie
}

// Lease is one job's share of a shared endpoint.
type Lease struct {
	Request EndpointRequest `json:"request"`
	From    time.Time       `json:"from"`
	Meter   jobs.Meter      `json:"meter,omitzero"`
	With    []string        `json:"with,omitempty"` // other jobs that had it meanwhile, at most jobs.MaxWith
	Most    int             `json:"most"`
	Capped  string          `json:"capped,omitempty"` // RentalNews.Capped, when the job was told
}

// Sharing answers the sharing query: who has the endpoint, and who is billed for
// what.
type Sharing struct {
	Stage   RentalStage `json:"stage"`
	Rental  jobs.Rental `json:"rental"` // the whole of it; its Shared has what jobs used that returned it
	Leases  []Lease     `json:"leases"`
	Settled time.Time   `json:"settled"` // up to here their meters count; what is billed since is theirs in equal parts
	Until   time.Time   `json:"until,omitzero"`
	Ends    time.Time   `json:"ends"`
}

// Of returns a job's lease with what it is billed for up to a time, by the
// endpoint's meter.
func (s Sharing) Of(job string, meter jobs.Meter, now time.Time) (Lease, bool) {
	for _, one := range s.Leases {
		if one.Request.Job == job {
			one.Meter.AddShare(meter, s.Settled, now, len(s.Leases))
			return one, true
		}
	}
	return Lease{}, false
}

// Cap is how much may still be billed.
type Cap struct {
	ReplicaSeconds float64 `json:"replica_seconds"`
	Limit          string  `json:"limit"` // in words: "limits.cost of 20.00 USD"
}

// Dismissal is the dismiss signal.
type Dismissal struct {
	Request EndpointRequest `json:"request"` // so that an Endpoint can be started only to release
	Reason  string          `json:"reason"`
}

// RentalNews is the rental signal: what became of what was asked for.
type RentalNews struct {
	Number  int         `json:"number"` // EndpointRequest.Rental
	Since   time.Time   `json:"since"`  // EndpointRequest.Since
	Stage   RentalStage `json:"stage"`
	Address Address     `json:"address"` // from ready on
	Rental  jobs.Rental `json:"rental"`
	ErrType string      `json:"err_type,omitempty"` // of jobs' error types, when it ended for an error
	ErrText string      `json:"err_text,omitempty"`
	Capped  string      `json:"capped,omitempty"` // the limit that was reached, in words: dismiss it

	// Of a shared endpoint:
	Run     string `json:"run,omitempty"`     // of the Endpoint that says so
	Retired string `json:"retired,omitempty"` // why nothing more is to be sent, in words: dismiss it, and ask for another
	Journal string `json:"journal,omitempty"` // output below which its journal lies, for whoever asks again
}

// RentalStage is how far a rental has come.
type RentalStage string

// The stages of a rental, in order.
const (
	Asked    RentalStage = "asked"
	Created  RentalStage = "created"
	Serving  RentalStage = "serving"
	Released RentalStage = "released" // and the provider's listing confirms it
	Returned RentalStage = "returned" // instead of Released: a shared endpoint goes on, without this owner
)

// CreateCall is the input of CreateEndpoint; its result is an EndpointCreated.
type CreateCall struct {
	Job      string        `json:"job"`
	Endpoint jobs.Endpoint `json:"endpoint"`
	Output   string        `json:"output"`
	Deadline time.Time     `json:"deadline"` // goes into the endpoint's name
}

// EndpointCreated names what was created or adopted.
type EndpointCreated struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Adopted bool      `json:"adopted"` // it existed already, from an earlier attempt whose answer was lost
	At      time.Time `json:"at"`

	Deadline time.Time `json:"deadline,omitzero"` // in its name
}

// AwaitCall is the input of AwaitEndpoint; its result is an EndpointReady.
type AwaitCall struct {
	ID       string        `json:"id"`
	Endpoint jobs.Endpoint `json:"endpoint"`
	Until    time.Time     `json:"until,omitzero"` // the end of the warm-up limit
}

// EndpointReady says that the endpoint answered.
type EndpointReady struct {
	Address Address    `json:"address"`
	At      time.Time  `json:"at"`
	Meter   jobs.Meter `json:"meter"` // what was billed before the first answer, and on
}

// EndpointBeat is what AwaitEndpoint, TendEndpoint and ReleaseEndpoint
// heartbeat.
type EndpointBeat struct {
	Phase     string     `json:"phase"`               // provider.Phase
	Detail    string     `json:"detail"`              // the provider's own words
	StopAsked time.Time  `json:"stop_asked,omitzero"` // ReleaseEndpoint: when the provider first accepted the stop
	Meter     jobs.Meter `json:"meter,omitzero"`      // AwaitEndpoint and TendEndpoint
	Drained   time.Time  `json:"drained,omitzero"`    // TendEndpoint: when it first gave replicas back
}

// TendCall is the input of TendEndpoint; its result is a Tended.
type TendCall struct {
	ID       string        `json:"id"`
	Endpoint jobs.Endpoint `json:"endpoint"`
	Terms    Terms         `json:"terms"`
	Owner    string        `json:"owner"`
	Meter    jobs.Meter    `json:"meter"`
	Cap      *Cap          `json:"cap,omitempty"`
	Sharers  []Sharer      `json:"sharers,omitempty"` // of a shared endpoint: those who have a limit
	Among    int           `json:"among,omitempty"`   // how many share it, with or without one
	Settled  float64       `json:"settled,omitempty"` // replica-seconds of the meter that they do not share
}

// Sharer is a job that shares an endpoint and may be billed for so much more.
type Sharer struct {
	Job string `json:"job"`
	Cap Cap    `json:"cap"`
}

// Tended is how the tending of a serving endpoint ended: by cancellation, with
// an empty Lost and Capped, or for one of the two.
type Tended struct {
	Meter   jobs.Meter `json:"meter"`
	Drained time.Time  `json:"drained,omitzero"`
	Lost    string     `json:"lost,omitempty"`   // why the endpoint no longer serves
	Capped  string     `json:"capped,omitempty"` // the limit that was reached
	Job     string     `json:"job,omitempty"`    // whose, of those who share the endpoint
}

// EndpointAsked is the result of AskEndpoint, whose input is an EndpointRequest:
// which run of the Endpoint was asked.
type EndpointAsked struct {
	Run string `json:"run"`
}

// GuardCall is the input of WatchEndpoint, which returns when that run of that
// workflow is no longer the newest, or no longer open.
type GuardCall struct {
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
}

// ReleaseCall is the input of ReleaseEndpoint; its result is an
// EndpointReleased.
type ReleaseCall struct {
	Job      string        `json:"job"`
	ID       string        `json:"id"` // empty when creation was never confirmed
	Endpoint jobs.Endpoint `json:"endpoint"`
	Output   string        `json:"output"`
	Tell     bool          `json:"tell,omitempty"` // return after a while with what is still open
	Over     string        `json:"over,omitempty"` // id of the endpoint that the job created and that is confirmed off: who started it since has it
}

// EndpointReleased is the proof of the end, or, with Open, says that there is
// none yet.
type EndpointReleased struct {
	Found     int       `json:"found"`      // endpoints of this job that still held, or might hold, GPUs
	StopAsked time.Time `json:"stop_asked"` // zero when nothing had to be stopped
	Confirmed time.Time `json:"confirmed"`
	How       string    `json:"how"`
	Open      []string  `json:"open,omitempty"` // ids of a provider's batches that are not confirmed over; at most 50
}

// ShardCall is the input of RunShard and RunShardAsBatch; their result is a
// ShardDone.
type ShardCall struct {
	Job      string        `json:"job"`
	PlanURL  string        `json:"plan_url"`
	Shard    int           `json:"shard"`
	Address  Address       `json:"address"`
	Requests jobs.Requests `json:"requests"`
	Model    string        `json:"model,omitempty"` // as the job file has it; that of the address can be the endpoint's alone
}

// ShardDone counts one shard's result lines, those of earlier attempts
// included.
type ShardDone struct {
	Shard     int        `json:"shard"`
	Completed int64      `json:"completed"`
	Failed    int64      `json:"failed"`
	Usage     jobs.Usage `json:"usage"`
	Sent      Sent       `json:"sent"`             // by the attempt that finished it
	Hedged    int64      `json:"hedged,omitempty"` // requests that it sent twice because they were slow
	Worker    string     `json:"worker,omitempty"` // the process that finished it, by a name of its own
}

// ShardBeat is what both of them heartbeat: a hint for people and programs that
// watch. The checkpoint of record is the parts in the bucket.
type ShardBeat struct {
	Shard     int   `json:"shard"`
	Completed int64 `json:"completed"`
	Failed    int64 `json:"failed"`
	InFlight  int   `json:"in_flight"`
	Tokens    int64 `json:"tokens"` // input and output
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
