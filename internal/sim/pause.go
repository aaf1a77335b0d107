package sim

import "time"

// pausesAt returns when the endpoint will stop by itself if no request comes,
// or the zero time if it will not.
func (e *endpoint) pausesAt() time.Time {
	if e.pauseAfter == 0 || !e.holds() || e.readyAt.IsZero() || e.use.inFlight > 0 {
		return time.Time{}
	}
	return later(e.readyAt, later(e.use.lastRequest, e.use.lastAnswer)).Add(e.pauseAfter)
}

// pause gives the GPUs of an idle endpoint back: until the next request, unless
// it sleeps.
func (e *endpoint) pause(t time.Time) {
	e.release(t)
	e.paused = !e.sleeps
}

// wake starts an endpoint that is paused, and reports whether a request has to
// wait because it, or one before it, did so.
func (e *endpoint) wake(t time.Time) bool {
	if e.paused && !e.deleting && (e.state == Stopping || e.state == Stopped) {
		e.begin(t)
		e.waking = true
	}
	return e.waking && e.state == Starting && e.readyReplicas() == 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
