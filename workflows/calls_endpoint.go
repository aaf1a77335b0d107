package workflows

import (
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

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
