package sim

import "time"

// bill is what an endpoint has cost: each ready replica, for as long as it was
// ready, from its arrival until it was asked to go. Warming up and draining
// are free, as with Nebius; rounding up to minutes is left to the reader.
type bill struct {
	replicas time.Duration
	gpus     time.Duration
}

// charge bills the time since the last charge.
func (e *endpoint) charge(t time.Time) {
	span := t.Sub(e.played) * time.Duration(e.readyReplicas())
	e.bill.replicas += span
	e.bill.gpus += span * time.Duration(e.gpus)
	e.played = t
}

// use is what an endpoint was used for.
type use struct {
	inFlight, maxInFlight int
	answered              int64
	work                  time.Duration // of the answered ones, at full speed

	firstRequest, lastRequest, lastAnswer time.Time
}

func (u *use) enter(t time.Time) {
	if u.firstRequest.IsZero() {
		u.firstRequest = t
	}
	u.lastRequest = t
	u.inFlight++
	u.maxInFlight = max(u.maxInFlight, u.inFlight)
}

func (u *use) answer(t time.Time, work time.Duration) {
	u.leave()
	u.answered++
	u.work += work
	u.lastAnswer = t
}

func (u *use) leave() { u.inFlight-- }
