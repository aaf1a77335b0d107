package jobs

import "time"

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
	Reason     string    `json:"reason"`      // why it was released

	FirstSent  time.Time `json:"first_sent,omitzero"`  // the job's first request
	LastAnswer time.Time `json:"last_answer,omitzero"` // the job's last answer
	DrainFrom  time.Time `json:"drain_from,omitzero"`  // when replicas were first given back, since fewer were needed

	// Shared is set where the job had the endpoint together with others. Its meter
	// then counts the job's part.
	Shared *Shared `json:"shared,omitempty"`

	GPUs      int    `json:"gpus"`                 // of one replica; 0 when nothing is billed by the GPU
	Meter     Meter  `json:"meter,omitzero"`       // ready replicas over time
	Price     Money  `json:"price,omitzero"`       // of one replica for one hour; absent when not known
	PriceFrom string `json:"price_from,omitempty"` // who told the price
}

// Doing is what an endpoint did while it was billed, or was not.
type Doing string

// What an endpoint does, in order.
const (
	Starting    Doing = "warming"   // from asking for it to its first answer
	Idle        Doing = "idle"      // ready, before the first request and after the last answer
	Busy        Doing = "busy"      // from the first request to the last answer
	Draining    Doing = "draining"  // the end of it, while replicas are given back
	ShuttingOff Doing = "releasing" // from the accepted stop to the confirmation
)

// Spent is the time that endpoints spent in one way, and what it cost.
type Spent struct {
	Doing          Doing   `json:"doing"`
	Seconds        float64 `json:"seconds"`
	ReplicaSeconds float64 `json:"replica_seconds"` // billed
	GPUSeconds     float64 `json:"gpu_seconds"`     // billed
	Cost           Money   `json:"cost,omitzero"`   // absent when the price is not known
}

// Called is what to look for at the provider: the endpoint's name and id, as far
// as it has them.
func (r Rental) Called() string {
	switch {
	case r.Name == "":
		return r.ID
	case r.ID == "":
		return r.Name
	}
	return r.Name + " (" + r.ID + ")"
}

// GPUSeconds is the billed time of the rental's GPUs.
func (r Rental) GPUSeconds() float64 {
	return r.billed(r.Requested, r.End()) * float64(r.GPUs)
}

// Cost is what the rental cost; zero when its price is not known.
func (r Rental) Cost() Money { return r.costOf(r.billed(r.Requested, r.End())) }

// Bill says what the rental's time went into. A rental that never served has
// only been warming.
func (r Rental) Bill() []Spent {
	end := r.End()
	ready := orElse(r.Ready, end)
	first := within(orElse(r.FirstSent, end), ready, end)
	last := within(orElse(r.LastAnswer, end), first, end)
	drain := within(orElse(r.DrainFrom, last), first, last)
	return []Spent{
		r.spent(Starting, r.Requested, ready),
		r.spent(Idle, ready, first).plus(r.spent(Idle, last, end)),
		r.spent(Busy, first, drain),
		r.spent(Draining, drain, last),
		r.spent(ShuttingOff, end, orElse(r.Confirmed, end)),
	}
}

func (r Rental) spent(doing Doing, from, to time.Time) Spent {
	replicaSeconds := r.billed(from, to)
	return Spent{
		Doing: doing, Seconds: max(0, to.Sub(from).Seconds()), ReplicaSeconds: replicaSeconds,
		GPUSeconds: replicaSeconds * float64(r.GPUs), Cost: r.costOf(replicaSeconds),
	}
}

// billed is the part of the metered time that lies in an interval. Start-up
// and shut-down are not billed by the providers that say so: the meter counts
// ready replicas, and only until the stop was accepted.
func (r Rental) billed(from, to time.Time) float64 {
	if end := r.End(); to.After(end) {
		to = end
	}
	return r.Meter.ReplicaSeconds(from, to)
}

// End is when billing ended, as far as is known: of a shared endpoint, billing
// of this job.
func (r Rental) End() time.Time {
	if r.Returned() {
		return r.Shared.Left
	}
	return orElse(r.StopAsked, orElse(r.Confirmed, r.Meter.Until))
}

func (r Rental) costOf(replicaSeconds float64) Money {
	if r.Price.IsZero() {
		return Money{}
	}
	return Money{Amount: max(0, replicaSeconds) / 3600 * r.Price.Amount, Currency: r.Price.Currency}
}

// addBills adds up two bills of the same lines; one may be empty.
func addBills(a, b []Spent) []Spent {
	if len(a) == 0 {
		return b
	}
	for i := range b {
		a[i] = a[i].plus(b[i])
	}
	return a
}

// plus adds up. What was not billed costs nothing, whatever its price is.
func (s Spent) plus(other Spent) Spent {
	switch {
	case s.ReplicaSeconds == 0:
		s.Cost = other.Cost
	case other.ReplicaSeconds > 0:
		s.Cost = s.Cost.plus(other.Cost)
	}
	s.Seconds += other.Seconds
	s.ReplicaSeconds += other.ReplicaSeconds
	s.GPUSeconds += other.GPUSeconds
	return s
}

func orElse(at, other time.Time) time.Time {
	if at.IsZero() {
		return other
	}
	return at
}

// within moves a time into an interval.
func within(at, from, to time.Time) time.Time {
	if at.After(to) {
		at = to
	}
	if at.Before(from) {
		return from
	}
	return at
}
