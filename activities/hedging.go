package activities

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/pace"
)

// A request is slow when it takes slowTimes as long as the shard's requests do on
// average, and slowLeast at least. Of a shard's requests one in hedgeShare is
// sent twice at most.
const (
	slowTimes  = 3
	slowLeast  = 500 * time.Millisecond
	hedgeShare = 20
)

// hedging sends the last slow requests of a shard twice. It begins when no line
// is left to be taken, so that a second sending takes no place from a first.
type hedging struct {
	taken   chan struct{} // closed when the shard has no more lines
	left    atomic.Int64
	hedged  atomic.Int64
	answers atomic.Int64
	took    atomic.Int64 // all of them together, in nanoseconds
}

func newHedging(requests int64) *hedging {
	h := &hedging{taken: make(chan struct{})}
	h.left.Store(requests/hedgeShare + 1)
	return h
}

// attempt is what came of sending a request once.
type attempt struct {
	answer chat.Answer
	err    error
}

// race sends, and once more if that is slow and the limiter has a slot to spare.
// The first usable answer wins and ends the other.
func (h *hedging) race(ctx context.Context, limiter *pace.Limiter, send func(ctx context.Context, memory []byte) (chat.Answer, error)) (chat.Answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan attempt, 2)
	start := func() {
		answer, err := send(ctx, nil)
		done <- attempt{answer, err}
	}
	began := time.Now()
	go start()
	first := h.await(began, done)
	if first == nil && h.left.Add(-1) >= 0 && limiter.TryAcquire() {
		defer limiter.Release(pace.Outcome{Kind: pace.Abandoned})
		h.hedged.Add(1)
		go start()
		if got := <-done; chat.ClassOf(got.err) == chat.OK {
			first = &got
		}
	}
	if first == nil {
		got := <-done
		first = &got
	}
	if first.err == nil {
		h.answers.Add(1)
		h.took.Add(int64(time.Since(began)))
	}
	return first.answer, first.err
}

// await returns what came in time, or nil when it is time for a second try.
func (h *hedging) await(began time.Time, done <-chan attempt) *attempt {
	select {
	case got := <-done:
		return &got
	case <-h.taken:
	}
	answers := h.answers.Load()
	if answers == 0 {
		got := <-done // nobody knows what is slow
		return &got
	}
	slow := max(slowLeast, slowTimes*time.Duration(h.took.Load()/answers))
	timer := time.NewTimer(slow - time.Since(began))
	defer timer.Stop()
	select {
	case got := <-done:
		return &got
	case <-timer.C:
		return nil
	}
}
