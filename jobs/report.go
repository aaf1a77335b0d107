package jobs

import "time"

// Phase is what a job is doing.
type Phase string

// The phases of a job, in order.
const (
	Planning   Phase = "planning"   // reading and checking the input
	Warming    Phase = "warming"    // asking for the endpoint and waiting until it answers
	Running    Phase = "running"    // sending requests
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
)

// Counts are requests of one job. Done are those with a result line.
type Counts struct {
	Total     int64 `json:"total"`
	Completed int64 `json:"completed"` // answered with 2xx: lines of the output file
	Failed    int64 `json:"failed"`    // lines of the errors file that were sent
	NeverRan  int64 `json:"never_ran"` // lines of the errors file that were not
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
}

// PhaseTime is one phase of a run with what the GPU did meanwhile.
type PhaseTime struct {
	Phase      Phase     `json:"phase"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	GPUSeconds float64   `json:"gpu_seconds"` // billed: GPUs of ready replicas times seconds
}

// Rental is one endpoint's life, from asking for it to the proof of its end.
// Times are the worker's clock; a zero time never happened.
type Rental struct {
	Provider   string    `json:"provider"`
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Shape      string    `json:"shape"` // such as "openai/gpt-oss-120b on 1 x gpu-h100-sxm in eu-north1"
	Requested  time.Time `json:"requested"`
	Created    time.Time `json:"created"`
	Ready      time.Time `json:"ready"`       // answered its first request
	StopAsked  time.Time `json:"stop_asked"`  // the provider accepted the delete or disable
	Confirmed  time.Time `json:"confirmed"`   // the provider's listing showed it gone or stopped
	ConfirmHow string    `json:"confirm_how"` // what the listing said
	GPUs       int       `json:"gpus"`        // of all replicas that were ready
	Reason     string    `json:"reason"`      // why it was released
}

// GPUSeconds is the billed time: from the first answer to the accepted stop.
// Start-up and shut-down are not billed by the providers that say so.
func (r Rental) GPUSeconds() float64 { return r.gpuSecondsBetween(r.Ready, r.StopAsked) }

// Report is what came of a job. It is the workflow's result and the file
// report.json.
type Report struct {
	Job      string      `json:"job"`
	Name     string      `json:"name"`
	Outcome  Outcome     `json:"outcome"`
	Reason   string      `json:"reason,omitempty"` // why it did not complete
	Input    URLs        `json:"input"`
	Output   string      `json:"output"`
	Counts   Counts      `json:"counts"`
	Usage    Usage       `json:"usage"`
	Files    []File      `json:"files"`
	Rentals  []Rental    `json:"rentals"`
	Phases   []PhaseTime `json:"phases"`
	Cost     Money       `json:"cost,omitzero"` // absent when no price is known
	Started  time.Time   `json:"started"`
	Finished time.Time   `json:"finished"`
}

// GPUSeconds is the billed GPU time of all rentals.
func (r Report) GPUSeconds() float64 {
	var sum float64
	for _, rental := range r.Rentals {
		sum += rental.GPUSeconds()
	}
	return sum
}

// Unconfirmed returns the rentals whose end the provider has not confirmed.
func (r Report) Unconfirmed() []Rental {
	var open []Rental
	for _, rental := range r.Rentals {
		if rental.Confirmed.IsZero() {
			open = append(open, rental)
		}
	}
	return open
}

// Settle fills in what follows from the rest: the GPU time of each phase, and
// the cost when the price of a GPU for one hour is known.
func (r *Report) Settle(pricePerGPUHour Money) {
	for i := range r.Phases {
		phase := &r.Phases[i]
		phase.GPUSeconds = 0
		for _, rental := range r.Rentals {
			phase.GPUSeconds += rental.gpuSecondsBetween(phase.Start, phase.End)
		}
	}
	if !pricePerGPUHour.IsZero() {
		r.Cost = Money{Amount: r.GPUSeconds() / 3600 * pricePerGPUHour.Amount, Currency: pricePerGPUHour.Currency}
	}
}

// gpuSecondsBetween is the part of the rental's billed time that lies in an
// interval.
func (r Rental) gpuSecondsBetween(start, end time.Time) float64 {
	if r.Ready.IsZero() || r.StopAsked.IsZero() {
		return 0
	}
	from, to := r.Ready, r.StopAsked
	if start.After(from) {
		from = start
	}
	if end.Before(to) {
		to = end
	}
	return max(0, to.Sub(from).Seconds()) * float64(r.GPUs)
}
