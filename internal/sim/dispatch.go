package sim

import (
	"context"
	"slices"
	"time"
)

// serve has a replica do that much work for a request and returns when it is
// done: nil, one of the reasons above, or the context's error when the client
// went away, whose place is free at once.
func (e *endpoint) serve(ctx context.Context, work time.Duration) error {
	now := e.lock()
	waits := e.wake(now)
	if err := e.serves(); err != nil && !waits {
		e.unlock(now)
		return err
	}
	if work <= 0 && !waits {
		e.use.enter(now)
		e.use.answer(now, 0)
		e.unlock(now)
		return nil
	}
	s := &stream{work: work, done: make(chan error, 1)}
	if waits {
		e.queue = append(e.queue, s)
	} else if !e.admit(now, s) {
		e.unlock(now)
		return errBusy
	}
	e.use.enter(now)
	e.balance(now)
	e.unlock(now)

	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		return e.abandon(s, ctx.Err())
	}
}

func (e *endpoint) serves() error {
	switch {
	case e.readyReplicas() > 0:
		return nil
	case e.state == Starting:
		return errWarming
	default:
		return errOff
	}
}

// admit gives the stream to a replica or queues it; false means neither.
func (e *endpoint) admit(t time.Time, s *stream) bool {
	if len(e.queue) == 0 {
		if r := e.roomiest(); r != nil {
			s.join(r, t)
			return true
		}
	}
	limit := e.options.Model.QueueLimit
	if limit > 0 && len(e.queue) >= limit*e.readyReplicas() {
		return false
	}
	e.queue = append(e.queue, s)
	return true
}

// dispatch gives queued streams to replicas that have room.
func (e *endpoint) dispatch(t time.Time) {
	for len(e.queue) > 0 {
		r := e.roomiest()
		if r == nil {
			return
		}
		e.queue[0].join(r, t)
		e.queue = slices.Delete(e.queue, 0, 1)
	}
}

func (s *stream) join(r *replica, t time.Time) {
	s.replica = r
	r.batch.join(t, s)
}

// roomiest returns the ready replica with the fewest streams, or nil if each
// has as many as it takes.
func (e *endpoint) roomiest() *replica {
	var best *replica
	for _, r := range e.replicas {
		if r.ready && (best == nil || len(r.batch.streams) < len(best.batch.streams)) {
			best = r
		}
	}
	if most := e.options.Model.MaxStreams; best != nil && most > 0 && len(best.batch.streams) >= most {
		return nil
	}
	return best
}

// finish answers the streams that are done by t.
func (e *endpoint) finish(t time.Time) {
	for _, r := range e.replicas {
		for s := r.batch.finished(t); s != nil; s = r.batch.finished(t) {
			e.use.answer(t, s.work)
			s.end(nil)
		}
	}
	e.sweep()
}

// abandon takes out a stream whose client went away, unless it was done first.
func (e *endpoint) abandon(s *stream, why error) error {
	now := e.lock()
	defer e.unlock(now)
	select {
	case err := <-s.done:
		return err
	default:
	}
	if s.replica != nil {
		s.replica.batch.leave(now, s)
		e.sweep()
	} else {
		e.queue = slices.DeleteFunc(e.queue, func(q *stream) bool { return q == s })
	}
	e.use.leave()
	e.dispatch(now)
	e.balance(now)
	return why
}

// drop takes away every replica at once, and the requests with them.
func (e *endpoint) drop(why error) {
	e.abort(why)
	e.replicas = nil
}

// abort ends every request, begun or queued.
func (e *endpoint) abort(why error) {
	for _, r := range e.replicas {
		for _, s := range r.batch.streams {
			e.use.leave()
			s.end(why)
		}
		r.batch.streams = nil
	}
	e.refuseQueued(why)
}

func (e *endpoint) refuseQueued(why error) {
	for _, s := range e.queue {
		e.use.leave()
		s.end(why)
	}
	e.queue = nil
}

func (s *stream) end(err error) { s.done <- err }
