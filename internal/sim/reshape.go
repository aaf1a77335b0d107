package sim

import "time"

// scale sets the bounds of autoscaling and orders or gives back replicas to
// keep them.
func (e *endpoint) scale(bounds Range) {
	now := e.lock()
	defer e.unlock(now)
	e.bounds = bounds
	if e.holds() {
		e.fit(now)
	}
}

// refit changes the GPUs of a replica, for which every replica is replaced.
func (e *endpoint) refit(gpus int) {
	now := e.lock()
	defer e.unlock(now)
	if gpus == e.gpus {
		return
	}
	e.gpus = gpus
	if e.holds() {
		e.retire(len(e.replicas))
		e.fit(now)
	}
}

func (e *endpoint) rename(name string) {
	e.mu.Lock()
	e.name = name
	e.mu.Unlock()
}

// idle sets after how long without requests the endpoint stops by itself.
func (e *endpoint) idle(after time.Duration) {
	now := e.lock()
	defer e.unlock(now)
	e.pauseAfter = after
}
