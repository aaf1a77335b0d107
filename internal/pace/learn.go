package pace

import "time"

const (
	// tooManyFailures is the share of a window's requests whose failure is taken
	// for overload; fewer are accidents, and a failing line is retried anyway.
	tooManyFailures = 0.1
	// saturated is the share of the limit that must have been in flight for a
	// window to say anything about it. Below, the input is what is slow.
	saturated = 0.8
)

// learn draws the conclusions from one outcome, while its slot is still held.
func (l *Limiter) learn(now time.Duration, outcome Outcome) {
	w := &l.window
	if w.open {
		w.pass(now, l.inFlight)
	} else if l.inFlight <= l.limit && l.allowed == l.limit {
		*w = openWindow(now)
	}
	sent := now - outcome.Latency
	inside := w.open && sent >= w.start
	switch outcome.Kind {
	case OK:
		l.cooldown.answered++
		if inside && outcome.Latency > 0 {
			w.add(outcome)
			l.judge(now)
		}
	case Failed:
		if inside {
			w.failures++
			l.endure()
		}
	case Throttled:
		if l.throttled(now, sent, outcome.RetryAfter) {
			l.backOff()
		}
	}
}

func openWindow(now time.Duration) window {
	return window{open: true, start: now, last: now}
}

// judge closes a window that has told enough and sets the limit for the next.
// While climbing, that is when its reading is precise; then, with the beat.
func (l *Limiter) judge(now time.Duration) {
	w := &l.window
	if l.climber.climbing || l.fixed {
		if !w.told(l.limit) {
			return
		}
	} else if w.answers < minAnswers || l.beatAt(now) == l.beatAt(w.start) {
		return
	}
	r, beat := w.reading(), w.beat()
	l.rate = r.throughput()
	*w = openWindow(now)
	if l.fixed || r.inFlight < saturated*float64(l.limit) {
		return
	}
	l.climber.beat = beat
	if next := l.climber.next(r, l.beatAt(now)); next != l.limit {
		l.setLimit(next)
	}
}

// beatAt numbers the beat of the wall clock in which a moment lies.
func (l *Limiter) beatAt(at time.Duration) int64 {
	return l.origin.Add(at).UnixNano() / int64(l.climber.beat)
}

// endure backs off when too many of the window's requests failed.
func (l *Limiter) endure() {
	w := &l.window
	total := float64(w.failures + w.answers)
	if w.failures >= 3 && float64(w.failures) > tooManyFailures*total && w.last-w.start >= minWindow {
		l.backOff()
	}
}

// backOff lowers the limit. The window that this opens counts nothing sent
// before, so that one bad moment lowers it once.
func (l *Limiter) backOff() {
	if !l.fixed {
		l.setLimit(l.climber.retreat(l.limit))
	}
}
