package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/parts"
)

// watch reads the cloud's ledger over and over, and measures how long no answer
// comes.
type watch struct {
	mu      sync.Mutex
	ledger  sim.Ledger
	changed time.Time     // when the last answer was seen
	silence time.Duration // longest since begin

	end  context.CancelFunc
	done sync.WaitGroup
}

// watchEvery is how exact silences are.
const watchEvery = 50 * time.Millisecond

func startWatch(ctx context.Context, cloud sim.Client) *watch {
	ctx, end := context.WithCancel(ctx)
	w := &watch{changed: time.Now(), end: end}
	w.done.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			if ledger, err := cloud.Ledger(ctx); err == nil {
				w.read(ledger)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return w
}

func (w *watch) stop() {
	w.end()
	w.done.Wait()
}

func (w *watch) read(ledger sim.Ledger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if ledger.Total.Answered > w.ledger.Total.Answered {
		w.changed = now
	}
	w.silence = max(w.silence, now.Sub(w.changed))
	w.ledger = ledger
}

func (w *watch) now() sim.Ledger {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ledger
}

// taken waits until the cloud has taken so many different requests.
func (w *watch) taken(ctx context.Context, n int64) error {
	return parts.Until(ctx, func() bool { return w.now().Data.DistinctBodies >= n })
}

// next waits for an answer from now on, of so many requests in all.
func (w *watch) next(ctx context.Context, all int64) error {
	before := w.now().Total.Answered
	over := func() bool { now := w.now(); return now.Data.DistinctBodies >= all && now.Data.InFlight == 0 }
	err := parts.Until(ctx, func() bool { return w.now().Total.Answered > before || over() })
	if err == nil && w.now().Total.Answered == before {
		return errors.New("every request was answered meanwhile; it takes more lines, or a slower endpoint")
	}
	return err
}

// begin begins to measure a silence, and returns how many requests had been sent
// again by now.
func (w *watch) begin() (again int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed, w.silence = time.Now(), 0
	return w.ledger.Data.RepeatedBodies
}

// silent returns the longest time without an answer since begin.
func (w *watch) silent() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.silence
}
