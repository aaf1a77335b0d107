package pace

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// bestFixed is the throughput in steady state of an endpoint that is given
// twice what saturates it, or all that a Limiter may use where nothing does.
func bestFixed(t *testing.T, m model, replicas int, answers lengths, during time.Duration) (best float64) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		fixed := 2 * m.knee * replicas
		if m.smooth {
			fixed = 1024
		}
		w := startWorker(ctx, New(Options{Fixed: fixed}), startServer(ctx, m, replicas), answers, true, 1)
		pass(during)
		best = received(t, during, w)[0]
	})
	return best
}

func TestLimiter_FindsTheKnee(t *testing.T) {
	tests := map[string]struct {
		model   model
		answers lengths
		usage   bool
		settle  time.Duration // until it must have been found
		during  time.Duration // for which it is then held
	}{
		"short answers":                    {short, around(50), true, 20 * time.Second, time.Minute},
		"short answers of one length":      {short, exactly(50), true, 20 * time.Second, time.Minute},
		"short answers without usage":      {short, around(50), false, 40 * time.Second, 2 * time.Minute},
		"answers of minutes":               {long, around(5000), true, 20 * time.Minute, time.Hour},
		"answers of minutes of one length": {long, exactly(5000), true, 20 * time.Minute, time.Hour},
		"answers of minutes without usage": {long, around(5000), false, time.Hour, 2 * time.Hour},
	}
	for name, test := range tests {
		for _, replicas := range []int{1, 2, 4, 8} {
			t.Run(fmt.Sprintf("%s, %d replicas", name, replicas), func(t *testing.T) {
				t.Parallel()
				best := bestFixed(t, test.model, replicas, test.answers, test.during)
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					w := startWorker(ctx, New(Options{}), startServer(ctx, test.model, replicas), test.answers, test.usage, 2)
					pass(test.settle)
					if got := received(t, test.during, w)[0]; got < 0.9*best {
						t.Errorf("%.0f tokens/s with limit %d, want at least 0.9 of %.0f", got, w.Stats().Limit, best)
					}
				})
			})
		}
	}
}

func TestLimiter_StaysNearTheKnee(t *testing.T) {
	for _, replicas := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := startWorker(ctx, New(Options{}), startServer(ctx, short, replicas), around(50), true, 3)
			pass(20 * time.Second)
			knee := short.knee * replicas
			for range 300 {
				pass(time.Second)
				if limit := w.Stats().Limit; limit < knee/2 || limit > knee*2 {
					t.Fatalf("limit %d, want it between half and twice the knee of %d", limit, knee)
				}
			}
		})
	}
}

// A server whose every stream slows all others down has no knee: there the
// limit must go on as long as it pays, far beyond where latency has doubled.
func TestLimiter_GoesOnWithoutKnee(t *testing.T) {
	smooth := short
	smooth.smooth = true
	best := bestFixed(t, smooth, 1, around(50), time.Minute)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := startWorker(ctx, New(Options{}), startServer(ctx, smooth, 1), around(50), true, 4)
		pass(5 * time.Minute)
		if got := received(t, 5*time.Minute, w)[0]; got < 0.8*best {
			t.Errorf("%.0f tokens/s with limit %d, want at least 0.8 of %.0f", got, w.Stats().Limit, best)
		}
	})
}

func TestLimiter_FollowsReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := startServer(ctx, short, 1)
		w := startWorker(ctx, New(Options{}), s, around(50), true, 5)
		perReplica := bestOf(short, 50)
		for _, replicas := range []int{1, 2, 4, 8, 3, 1, 2} {
			s.scale(replicas)
			pass(time.Minute)
			if got, want := received(t, time.Minute, w)[0], perReplica*float64(replicas); got < 0.88*want {
				t.Errorf("%d replicas: %.0f tokens/s with limit %d, want %.0f", replicas, got, w.Stats().Limit, want)
			}
		}
	})
}

// bestOf is the throughput of a saturated replica for answers of that mean.
func bestOf(m model, tokens float64) float64 {
	first := m.ttft.Seconds() / m.interval.Seconds()
	return float64(m.knee) / m.interval.Seconds() * tokens / (tokens + first)
}

func TestLimiter_SharesFairly(t *testing.T) {
	tests := map[string]time.Duration{"together": 0, "seconds apart": 3 * time.Second, "a minute apart": time.Minute}
	for name, apart := range tests {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s := startServer(ctx, short, 2)
					one := startWorker(ctx, New(Options{}), s, around(50), true, 10+seed)
					pass(apart)
					two := startWorker(ctx, New(Options{}), s, around(50), true, 20+seed)
					pass(3 * time.Minute)
					got := received(t, 5*time.Minute, one, two)
					if least := min(got[0], got[1]); least < 0.25*(got[0]+got[1]) {
						t.Errorf("shares of %.0f and %.0f tokens/s, want neither below a quarter", got[0], got[1])
					}
					if best := 2 * bestOf(short, 50); got[0]+got[1] < 0.9*best {
						t.Errorf("%.0f tokens/s together, want 0.9 of %.0f", got[0]+got[1], best)
					}
					if sum := one.Stats().Limit + two.Stats().Limit; sum > 6*short.knee*2 {
						t.Errorf("%d in flight together: they race each other beyond the knee of %d", sum, short.knee*2)
					}
				})
			})
		}
	}
}

func TestLimiter_SlowInputTeachesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := New(Options{Start: 100})
		s := startServer(ctx, short, 1)
		for range 2000 { // ten requests a second, of half a second each
			pass(100 * time.Millisecond)
			if err := l.Acquire(ctx); err != nil {
				t.Fatal(err)
			}
			s.send(40, l.Release)
		}
		if limit := l.Stats().Limit; limit != 100 {
			t.Errorf("limit %d with 5 in flight, want the 100 it began with", limit)
		}
	})
}

// Many workers that start one after the other keep the endpoint saturated, and
// none is left with next to nothing.
func TestLimiter_ManyShareFairly(t *testing.T) {
	for _, workers := range []int{4, 8} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%d workers, seed %d", workers, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s := startServer(ctx, short, 8)
					var all []*worker
					for i := range workers {
						all = append(all, startWorker(ctx, New(Options{}), s, around(50), true, 100*seed+uint64(i)))
						pass(2 * time.Second)
					}
					pass(3 * time.Minute)
					got := received(t, 5*time.Minute, all...)
					sum := 0.0
					for _, one := range got {
						sum += one
					}
					if least := slices.Min(got) / sum * float64(workers); least < leastShare {
						t.Errorf("shares of %.0f tokens/s: one has %.2f of its fair part", got, least)
					}
					if best := 8 * bestOf(short, 50); sum < 0.95*best {
						t.Errorf("%.0f tokens/s together, want 0.95 of %.0f", sum, best)
					}
				})
			})
		}
	}
}
