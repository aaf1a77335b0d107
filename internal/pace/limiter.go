package pace

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Limiter hands out the slots for one endpoint. It is safe for concurrent use
// and starts no goroutine; a timer runs only around a cool-down.
type Limiter struct {
	mu       sync.Mutex
	options  Options
	origin   time.Time // times inside are durations since: cheap to read and to compare
	fixed    bool
	limit    int
	allowed  int // what a cool-down and the ramp after it leave of limit
	inFlight int
	waiters  list.List // of *waiter
	waiting  int       // of them, those that are not content with a spare slot
	cooldown cooldown
	window   window
	climber  climber
	rate     float64 // throughput of the last whole window
}

// New returns a Limiter.
func New(options Options) *Limiter {
	options = options.withDefaults()
	l := &Limiter{options: options, origin: time.Now(), climber: newClimber(options.Min, options.Max)}
	l.SetFixed(options.Fixed)
	if !l.fixed {
		l.setLimit(l.climber.clamp(float64(options.Start)))
	}
	return l
}

// waiter is a caller that waits for a slot.
type waiter struct {
	granted chan struct{} // closed when it has one
	spare   bool
}

// Acquire waits, first come first served, until a request may be sent: for a
// free slot and for the end of a cool-down. It returns nil or ctx's error;
// after nil the caller must call Release once.
func (l *Limiter) Acquire(ctx context.Context) error { return l.acquire(ctx, false) }

// AcquireSpare is Acquire for a slot that nobody keeps: as long as it waits, Keep
// lets others keep theirs.
func (l *Limiter) AcquireSpare(ctx context.Context) error { return l.acquire(ctx, true) }

func (l *Limiter) acquire(ctx context.Context, spare bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.inFlight < l.allowed && l.waiters.Len() == 0 {
		l.inFlight++
		l.mu.Unlock()
		return nil
	}
	one := &waiter{granted: make(chan struct{}), spare: spare}
	place := l.waiters.PushBack(one)
	if !spare {
		l.waiting++
	}
	l.mu.Unlock()

	select {
	case <-one.granted:
		return nil
	case <-ctx.Done():
		return l.leave(ctx, place)
	}
}

// TryAcquire takes a slot if one is free and nobody waits for it, and reports
// whether it did.
func (l *Limiter) TryAcquire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inFlight >= l.allowed || l.waiters.Len() > 0 {
		return false
	}
	l.inFlight++
	return true
}

// leave takes a cancelled caller out of the queue. A slot that it was granted
// meanwhile goes to the next.
func (l *Limiter) leave(ctx context.Context, place *list.Element) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-place.Value.(*waiter).granted:
		l.inFlight--
		l.grant()
	default:
		l.remove(place)
	}
	return ctx.Err()
}

func (l *Limiter) remove(place *list.Element) *waiter {
	one := l.waiters.Remove(place).(*waiter)
	if !one.spare {
		l.waiting--
	}
	return one
}

// Release gives one acquired slot back and says how the request ended. It
// panics without an Acquire to match.
func (l *Limiter) Release(outcome Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took(outcome)
	l.inFlight--
	l.grant()
}

// Keep is Release for a caller that has another request to send: it keeps the
// slot, unless there are fewer by now, or somebody waits in Acquire, who came
// first. It reports whether the caller has a slot still.
func (l *Limiter) Keep(outcome Outcome) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took(outcome)
	if l.inFlight <= l.allowed && l.waiting == 0 {
		return true
	}
	l.inFlight--
	l.grant()
	return false
}

// took takes in how a request ended whose slot is still held.
func (l *Limiter) took(outcome Outcome) {
	if l.inFlight == 0 {
		panic("pace: Release without Acquire")
	}
	l.learn(l.now(), outcome)
}

// grant hands free slots to those who wait.
func (l *Limiter) grant() {
	for l.inFlight < l.allowed && l.waiters.Len() > 0 {
		l.inFlight++
		close(l.remove(l.waiters.Front()).granted)
	}
}

// SetFixed keeps n requests in flight from now on. With n <= 0 the number is
// sought again, from where it is.
func (l *Limiter) SetFixed(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fixed = n > 0
	l.climber.restart()
	if !l.fixed {
		n = l.climber.clamp(float64(l.limit))
	}
	l.setLimit(n)
}

// Stats reads the Limiter.
func (l *Limiter) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats := Stats{InFlight: l.inFlight, Limit: l.limit, Waiting: l.waiters.Len(), Throughput: l.rate, Cooldowns: l.cooldown.begun}
	if l.now() < l.cooldown.until {
		stats.CoolingUntil = l.origin.Add(l.cooldown.until)
	}
	return stats
}

// now is the time since origin.
func (l *Limiter) now() time.Duration { return time.Since(l.origin) }

// setLimit changes the limit. The window starts anew, since readings at
// different limits are what is compared.
func (l *Limiter) setLimit(limit int) {
	l.limit = limit
	l.window = window{}
	l.admit(l.now())
}
