package sim

import "time"

// lock locks the endpoint and plays its timeline up to now, which it returns.
func (e *endpoint) lock() time.Time {
	e.mu.Lock()
	now := clock()
	e.play(now)
	return now
}

// clock reads the time as the ledger shows it, without a machine's own zone.
func clock() time.Time { return time.Now().UTC() }

// unlock sets the timer to the next thing that will happen, and unlocks.
func (e *endpoint) unlock(now time.Time) {
	if next := e.next(); !next.Equal(e.armed) {
		e.armed = next
		if next.IsZero() {
			e.timer.Stop()
		} else {
			e.timer.Reset(next.Sub(now))
		}
	}
	e.mu.Unlock()
}

func (e *endpoint) tick() {
	e.mu.Lock()
	e.armed = time.Time{}
	now := clock()
	e.play(now)
	e.unlock(now)
}

// play lets everything happen that is due by now, each thing at its own time,
// and bills the time between.
func (e *endpoint) play(now time.Time) {
	for t := e.next(); !t.IsZero() && !t.After(now); t = e.next() {
		e.charge(t)
		e.happen(t)
	}
	e.charge(now)
}

// next returns when the next thing happens if no call comes, or the zero time
// if nothing will.
func (e *endpoint) next() time.Time {
	next := earlier(earlier(e.drained, e.shrinks), e.pausesAt())
	if e.state == Late {
		next = earlier(next, e.createdAt)
	}
	for _, r := range e.replicas {
		if !r.ready && !r.leaving {
			next = earlier(next, r.arrives)
		}
		next = earlier(next, r.batch.next())
	}
	return next
}

// happen applies all that is due at t. Whatever made next return t is undone
// by it, so that the timeline moves on.
func (e *endpoint) happen(t time.Time) {
	if e.state == Late && !e.createdAt.After(t) {
		e.begin(t)
	}
	e.finish(t)
	e.arrive(t)
	e.dispatch(t)
	if due(e.drained, t) {
		e.drained = time.Time{}
		e.end(t)
	}
	if due(e.shrinks, t) {
		e.shrinks = time.Time{}
		e.retire(1)
	}
	if due(e.pausesAt(), t) {
		e.pause(t)
	}
	e.balance(t)
}

// end completes Stopping.
func (e *endpoint) end(t time.Time) {
	e.drop(errOff)
	if e.stoppedAt.IsZero() {
		e.stoppedAt = t
	}
	if e.deleting {
		e.enter(Gone)
	} else {
		e.enter(Stopped)
	}
}

func due(at, t time.Time) bool { return !at.IsZero() && !at.After(t) }

// earlier returns the earlier of two times, where the zero time is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
