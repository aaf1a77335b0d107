package sim

import (
	"slices"
	"time"
)

// order asks for more replicas. One arrives after the warm-up, or a quarter of
// it after the one that was to come last.
func (e *endpoint) order(t time.Time, n int) {
	for range n {
		arrives := t.Add(e.options.WarmUp)
		if last := len(e.replicas) - 1; last >= 0 && !e.replicas[last].ready && !e.replicas[last].leaving {
			if next := e.replicas[last].arrives.Add(e.options.WarmUp / 4); next.After(arrives) {
				arrives = next
			}
		}
		e.replicas = append(e.replicas, &replica{arrives: arrives, batch: batch{model: e.options.Model}})
	}
}

// arrive makes the replicas ready whose time has come.
func (e *endpoint) arrive(t time.Time) {
	for _, r := range e.replicas {
		if r.ready || r.leaving || r.arrives.After(t) {
			continue
		}
		r.ready = true
		if e.readyAt.IsZero() {
			e.readyAt = r.arrives
		}
	}
	if (e.state == Starting || e.state == Updating) && e.readyReplicas() >= e.bounds.Min {
		e.enter(Running)
	}
}

// retire gives back the n newest replicas. Those that still answer requests
// finish them first, unbilled.
func (e *endpoint) retire(n int) {
	for _, r := range slices.Backward(e.replicas) {
		if n == 0 {
			break
		}
		if !r.leaving {
			r.leaving, r.ready = true, false
			n--
		}
	}
	e.sweep()
}

// sweep forgets replicas that have left.
func (e *endpoint) sweep() {
	e.replicas = slices.DeleteFunc(e.replicas, func(r *replica) bool {
		return r.leaving && len(r.batch.streams) == 0
	})
}

// fit orders or gives back replicas so that their number is within bounds.
func (e *endpoint) fit(t time.Time) {
	have := e.staying()
	want := e.bounds.Clamp(have)
	if want < have {
		e.retire(have - want)
	}
	if want > have {
		e.order(t, want-have)
	}
	if e.state == Running && e.readyReplicas() < e.bounds.Min {
		e.enter(Updating)
	}
}

// balance is autoscaling: up at once when the load asks for it, down by one
// replica after the load has been too small for as long as a warm-up takes.
func (e *endpoint) balance(t time.Time) {
	if e.readyReplicas() == 0 {
		e.shrinks = time.Time{}
		return
	}
	have := e.staying()
	want := e.options.Model.wanted(e.load(), e.bounds)
	switch {
	case want > have:
		e.order(t, want-have)
		e.shrinks = time.Time{}
	case want == have:
		e.shrinks = time.Time{}
	case e.shrinks.IsZero():
		e.shrinks = t.Add(e.options.WarmUp)
	}
}

// readyReplicas is what is served by and billed.
func (e *endpoint) readyReplicas() int {
	n := 0
	for _, r := range e.replicas {
		if r.ready {
			n++
		}
	}
	return n
}

// staying counts the replicas that serve or will serve.
func (e *endpoint) staying() int {
	n := 0
	for _, r := range e.replicas {
		if !r.leaving {
			n++
		}
	}
	return n
}

// load counts the requests that wait or are answered by replicas that stay.
func (e *endpoint) load() int {
	n := len(e.queue)
	for _, r := range e.replicas {
		if !r.leaving {
			n += len(r.batch.streams)
		}
	}
	return n
}
