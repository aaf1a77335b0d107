package pace

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// acquireAll takes n slots, which must be free.
func acquireAll(t *testing.T, l *Limiter, n int) {
	t.Helper()
	for range n {
		if err := l.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLimiter_FirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Fixed: 1})
		acquireAll(t, l, 1)
		var order []int
		for i := range 10 {
			go func() {
				acquireAll(t, l, 1)
				order = append(order, i)
				l.Release(Outcome{})
			}()
			synctest.Wait()
		}
		if waiting := l.Stats().Waiting; waiting != 10 {
			t.Errorf("%d waiting, want 10", waiting)
		}
		l.Release(Outcome{})
		synctest.Wait()
		if !slices.Equal(order, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Errorf("served %v", order)
		}
		if stats := l.Stats(); stats.InFlight != 0 || stats.Waiting != 0 {
			t.Errorf("%+v after all is done", stats)
		}
	})
}

func TestLimiter_Cancelled(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		l := New(Options{Fixed: 1})
		if err := l.Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Acquire: %v, want context.Canceled though a slot is free", err)
		}
		acquireAll(t, l, 1)
	})
	t.Run("while waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Fixed: 1})
			acquireAll(t, l, 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := l.Acquire(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Acquire: %v, want context.DeadlineExceeded", err)
			}
			if stats := l.Stats(); stats.Waiting != 0 || stats.InFlight != 1 {
				t.Errorf("%+v, want one in flight and nobody waiting", stats)
			}
			l.Release(Outcome{})
			acquireAll(t, l, 1)
		})
	})
	t.Run("when granted", func(t *testing.T) { // the slot must reach the next in the queue
		synctest.Test(t, func(t *testing.T) {
			l := New(Options{Fixed: 1})
			acquireAll(t, l, 1)
			ctx, cancel := context.WithCancel(t.Context())
			first, second := make(chan error, 1), make(chan error, 1)
			go func() { first <- l.Acquire(ctx) }()
			synctest.Wait()
			go func() { second <- l.Acquire(t.Context()) }()
			synctest.Wait()
			cancel()
			l.Release(Outcome{})
			if err := <-first; err == nil {
				l.Release(Outcome{})
			}
			if err := <-second; err != nil {
				t.Error(err)
			}
		})
	})
}

func TestLimiter_NeverMoreThanTheLimit(t *testing.T) {
	l := New(Options{Fixed: 7})
	var inFlight, done atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%5 == 0 {
					go cancel()
				}
				if l.Acquire(ctx) == nil {
					if now := inFlight.Add(1); now > 7 {
						t.Errorf("%d in flight, want at most 7", now)
					}
					inFlight.Add(-1)
					l.Release(Outcome{Kind: Kind(i % 2), Latency: time.Microsecond})
					done.Add(1)
				}
				cancel()
			}
		})
	}
	group.Wait()
	if stats := l.Stats(); stats.InFlight != 0 || stats.Waiting != 0 || done.Load() < 50*160 {
		t.Errorf("%+v after %d requests", stats, done.Load())
	}
}

func TestLimiter_Keep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Fixed: 2})
		acquireAll(t, l, 2)
		spared := make(chan error, 1)
		go func() { spared <- l.AcquireSpare(t.Context()) }()
		synctest.Wait()
		if !l.Keep(Outcome{}) {
			t.Error("a slot is not kept though nobody waits but for a spare one")
		}
		waited := make(chan error, 1)
		go func() { waited <- l.Acquire(t.Context()) }()
		synctest.Wait()
		if l.Keep(Outcome{}) {
			t.Error("a slot is kept though somebody waits for it")
		}
		if err := <-spared; err != nil { // it came first
			t.Error(err)
		}
		l.Release(Outcome{})
		if err := <-waited; err != nil {
			t.Error(err)
		}
		l.SetFixed(1)
		if l.Keep(Outcome{}) {
			t.Error("a slot is kept though there are fewer")
		}
		if !l.Keep(Outcome{}) {
			t.Error("the last slot is not kept")
		}
		if l.Keep(Outcome{Kind: Throttled, RetryAfter: time.Second}) {
			t.Error("a slot is kept in a cool-down")
		}
		if stats := l.Stats(); stats.InFlight != 0 || stats.Waiting != 0 {
			t.Errorf("%+v after all is done", stats)
		}
	})
}

func TestLimiter_SetFixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Fixed: 1})
		for range 10 {
			go func() { _ = l.Acquire(t.Context()) }()
		}
		synctest.Wait()
		for _, n := range []int{1, 6, 2, 8} {
			l.SetFixed(n)
			synctest.Wait()
			if stats := l.Stats(); stats.Limit != n || stats.InFlight < min(n, 10) {
				t.Errorf("fixed at %d: %+v", n, stats)
			}
		}
		l.SetFixed(10)
		synctest.Wait()
		for range 10 {
			l.Release(Outcome{Kind: Abandoned})
		}
		l.SetFixed(0)
		if limit := l.Stats().Limit; limit != 10 {
			t.Errorf("limit %d once it is sought, want the 10 that it was fixed at", limit)
		}
	})
}

func TestLimiter_Bounds(t *testing.T) {
	tests := map[string]struct {
		options Options
		want    int
	}{
		"default":            {Options{}, 32},
		"four replicas":      {Options{Replicas: 4}, 128},
		"fixed":              {Options{Fixed: 5000}, 5000},
		"start above max":    {Options{Max: 10}, 10},
		"start below min":    {Options{Min: 64}, 64},
		"max below min":      {Options{Min: 64, Max: 8}, 64},
		"start within":       {Options{Start: 48}, 48},
		"nonsense is unset":  {Options{Fixed: -1, Min: -1, Max: -1, Start: -1, MaxCooldown: -1}, 32},
		"fixed ignores them": {Options{Fixed: 2, Min: 64, Max: 128}, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := New(test.options).Stats().Limit; got != test.want {
				t.Errorf("limit %d, want %d", got, test.want)
			}
		})
	}
}

func TestLimiter_ReleaseWithoutAcquire(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Options{}).Release(Outcome{})
}

func TestLimiter_Throughput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := startWorker(ctx, New(Options{Fixed: 64}), startServer(ctx, short, 1), around(50), true, 1)
		if before := w.Stats().Throughput; before != 0 {
			t.Errorf("%.0f tokens/s before the first window, want 0", before)
		}
		pass(10 * time.Second)
		got, want := w.Stats().Throughput, received(t, time.Minute, w)[0]
		if got < 0.9*want || got > 1.1*want {
			t.Errorf("%.0f tokens/s, want about %.0f", got, want)
		}
	})
}
