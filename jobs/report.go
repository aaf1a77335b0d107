package jobs

import "time"

// Phase is what a job is doing.
type Phase string

// The phases of a job, in order.
const (
	Planning   Phase = "planning"   // reading and checking the input
	Warming    Phase = "warming"    // asking for the endpoint and waiting until it answers
	Running    Phase = "running"    // sending requests
	Paused     Phase = "paused"     // by hand, between two of the others: nothing is sent
	Releasing  Phase = "releasing"  // making sure that the endpoint is off
	Collecting Phase = "collecting" // assembling the results
	Ended      Phase = "ended"
)

// Outcome is how a job ended.
type Outcome string

// The outcomes.
const (
	Completed Outcome = "completed" // every request was answered or refused by the endpoint
	Cancelled Outcome = "cancelled" // a person stopped it
	Expired   Outcome = "expired"   // a limit was reached
	Failed    Outcome = "failed"    // anything else; Report.Reason says what
	Skipped   Outcome = "skipped"   // of a scheduled job: there was nothing new to do, and nothing was rented
)

// Counts are requests of one job. Done are those with a result line.
type Counts struct {
	Total     int64 `json:"total"`
	Completed int64 `json:"completed"` // answered with 2xx: lines of the output file
	Failed    int64 `json:"failed"`    // lines of the errors file that were sent, or are invalid
	NeverRan  int64 `json:"never_ran"` // lines of the errors file that were not

	// Invalid is how many of those that failed could not be sent, which
	// on_invalid: skip makes error lines.
	Invalid int64 `json:"invalid,omitempty"`

	// Reused is how many of those completed were answered by earlier jobs.
	Reused int64 `json:"reused,omitempty"`
}

// Done is how many requests have an answer, good or bad.
func (c Counts) Done() int64 { return c.Completed + c.Failed }

// Usage is tokens as the endpoint counted them.
type Usage struct {
	InputTokens     int64 `json:"input_tokens"`
	CachedTokens    int64 `json:"cached_tokens"`
	OutputTokens    int64 `json:"output_tokens"`
	ReasoningTokens int64 `json:"reasoning_tokens"`
}

// Add adds other to u.
func (u *Usage) Add(other Usage) {
	u.InputTokens += other.InputTokens
	u.CachedTokens += other.CachedTokens
	u.OutputTokens += other.OutputTokens
	u.ReasoningTokens += other.ReasoningTokens
}

// File is one object that a job leaves behind.
type File struct {
	URL    string `json:"url"`
	Lines  int64  `json:"lines"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of the object's bytes, in hexadecimal

	Uncompressed int64 `json:"uncompressed_bytes,omitempty"` // of a compressed file's lines
}

// PhaseTime is one phase of a run with what the GPU did meanwhile.
type PhaseTime struct {
	Phase      Phase     `json:"phase"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	GPUSeconds float64   `json:"gpu_seconds"`   // billed: GPUs of ready replicas times seconds
	Cost       Money     `json:"cost,omitzero"` // of them; absent when nothing was billed or a price is not known
}

// Report is what came of a job. It is the workflow's result and the file
// report.json.
type Report struct {
	Job      string      `json:"job"`
	Name     string      `json:"name"`
	Outcome  Outcome     `json:"outcome"`
	Reason   string      `json:"reason,omitempty"`  // why it did not complete
	Failure  string      `json:"failure,omitempty"` // the same as one of the error types; of those expired and failed
	Input    URLs        `json:"input"`
	Output   string      `json:"output"`
	Asked    []string    `json:"asked,omitempty"` // the endpoints that the job file asks for, in words, in order
	Counts   Counts      `json:"counts"`
	Usage    Usage       `json:"usage"`
	Hedged   int64       `json:"hedged,omitempty"` // requests that were sent twice because they were slow: requests.hedge
	Files    []File      `json:"files"`
	Rentals  []Rental    `json:"rentals"` // in order; those that never served say why
	Phases   []PhaseTime `json:"phases"`
	Bill     []Spent     `json:"bill,omitempty"`   // by what the endpoints did
	Cost     Money       `json:"cost,omitzero"`    // absent when a price is not known
	Wasted   float64     `json:"wasted,omitempty"` // share of the billed time in which nothing was answered
	Started  time.Time   `json:"started"`
	Finished time.Time   `json:"finished"`

	Schedule     string    `json:"schedule,omitempty"`     // the id of the schedule that started it
	ScheduledFor time.Time `json:"scheduled_for,omitzero"` // the time that templates were filled in with
	InputDigest  string    `json:"input_digest,omitempty"` // of the input objects' URLs and versions
}

// GPUSeconds is the billed GPU time of all rentals.
func (r Report) GPUSeconds() float64 {
	var sum float64
	for _, rental := range r.Rentals {
		sum += rental.GPUSeconds()
	}
	return sum
}

// Unconfirmed returns the rentals whose end the provider has not confirmed, but
// for shared ones that the job has returned: they go on without it.
func (r Report) Unconfirmed() []Rental {
	var open []Rental
	for _, rental := range r.Rentals {
		if rental.Confirmed.IsZero() && !rental.Returned() {
			open = append(open, rental)
		}
	}
	return open
}

// Settle fills in what follows from the rest: the GPU time and the cost of
// each phase, the bill and the cost of all.
func (r *Report) Settle() {
	for i := range r.Phases {
		phase := &r.Phases[i]
		var all Spent
		for _, rental := range r.Rentals {
			all = all.plus(rental.spent(Busy, phase.Start, phase.End))
		}
		phase.GPUSeconds, phase.Cost = all.GPUSeconds, all.Cost
	}
	r.Bill = nil
	for _, rental := range r.Rentals {
		r.Bill = addBills(r.Bill, rental.Bill())
	}
	var all, answering Spent
	for _, spent := range r.Bill {
		if all = all.plus(spent); spent.Doing == Busy || spent.Doing == Draining {
			answering = answering.plus(spent)
		}
	}
	r.Cost, r.Wasted = all.Cost, 0
	if all.ReplicaSeconds > 0 {
		r.Wasted = 1 - answering.ReplicaSeconds/all.ReplicaSeconds
	}
}
