package sim

import "time"

// snapshot is what a control plane may show of an endpoint.
type snapshot struct {
	listed    bool // the provider knows it
	state     State
	ready     int // replicas
	bounds    Range
	createdAt time.Time
}

// look returns a snapshot. A fault may have it show another state than the
// true one; "" is the true one.
func (e *endpoint) look(shown State) snapshot {
	now := e.lock()
	defer e.unlock(now)
	s := snapshot{
		listed: e.state != Late && e.state != Gone,
		state:  e.state, ready: e.readyReplicas(), bounds: e.bounds, createdAt: e.createdAt,
	}
	if shown != "" {
		s.state, s.ready = shown, 0
	}
	return s
}
