package pace

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// throttle takes a slot and gives it back throttled.
func throttle(t *testing.T, l *Limiter, retryAfter time.Duration) {
	t.Helper()
	acquireAll(t, l, 1)
	l.Release(Outcome{Kind: Throttled, RetryAfter: retryAfter})
}

// waitFor returns how long the next Acquire takes, and gives the slot back.
func waitFor(t *testing.T, l *Limiter, outcome Outcome) time.Duration {
	t.Helper()
	start := time.Now()
	acquireAll(t, l, 1)
	l.Release(outcome)
	return time.Since(start)
}

func TestCooldown_Length(t *testing.T) {
	tests := map[string]struct {
		retryAfter time.Duration
		options    Options
		min, max   time.Duration
	}{
		"told":            {time.Second, Options{}, time.Second, time.Second},
		"told briefly":    {time.Millisecond, Options{}, time.Millisecond, time.Millisecond},
		"told absurdly":   {24 * time.Hour, Options{}, time.Minute, time.Minute},
		"capped lower":    {time.Hour, Options{MaxCooldown: 5 * time.Second}, 5 * time.Second, 5 * time.Second},
		"not told":        {0, Options{}, 250 * time.Millisecond, 500 * time.Millisecond},
		"fixed as well":   {time.Second, Options{Fixed: 8}, time.Second, time.Second},
		"told nonsense":   {-time.Second, Options{}, 250 * time.Millisecond, 500 * time.Millisecond},
		"not told capped": {0, Options{MaxCooldown: 100 * time.Millisecond}, 50 * time.Millisecond, 100 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := New(test.options)
				throttle(t, l, test.retryAfter)
				until := time.Until(l.Stats().CoolingUntil)
				if until < test.min || until > test.max {
					t.Errorf("cooling for %v, want %v to %v", until, test.min, test.max)
				}
				if got := waitFor(t, l, Outcome{}); got != until {
					t.Errorf("waited %v, want %v", got, until)
				}
				if at := l.Stats().CoolingUntil; !at.IsZero() {
					t.Errorf("cooling until %v after the end", at)
				}
			})
		})
	}
}

func TestCooldown_GrowsWhileItRecurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{MaxCooldown: 10 * time.Second})
		throttle(t, l, 0)
		for _, most := range []time.Duration{500, 1000, 2000, 4000, 8000, 10_000, 10_000} {
			most *= time.Millisecond
			if got := waitFor(t, l, Outcome{Kind: Throttled}); got < most/2 || got > most {
				t.Errorf("waited %v, want %v to %v", got, most/2, most)
			}
		}
		pass(time.Minute)
		throttle(t, l, 0)
		if got := waitFor(t, l, Outcome{}); got > 500*time.Millisecond {
			t.Errorf("waited %v after a clean minute, want at most 500ms", got)
		}
	})
}

func TestCooldown_OneForAStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Start: 32})
		acquireAll(t, l, 32)
		start := time.Now()
		for range 16 {
			l.Release(Outcome{Kind: Throttled, RetryAfter: time.Second})
		}
		if limit := l.Stats().Limit; limit != 24 {
			t.Errorf("limit %d after a storm, want 32 lowered once to 24", limit)
		}
		pass(900 * time.Millisecond) // more of the same storm, and it asks for longer
		l.Release(Outcome{Kind: Throttled, RetryAfter: time.Second, Latency: 900 * time.Millisecond})
		if got := l.Stats().CoolingUntil.Sub(start); got != 1900*time.Millisecond {
			t.Errorf("cooling for %v, want 1.9s", got)
		}
		pass(5 * time.Second)
		for range 15 { // a straggler of the storm after its end
			l.Release(Outcome{Kind: Throttled, RetryAfter: time.Second, Latency: time.Since(start)})
		}
		if stats := l.Stats(); !stats.CoolingUntil.IsZero() || stats.Limit != 24 {
			t.Errorf("%+v: stragglers began another cool-down", stats)
		}
	})
}

func TestCooldown_NotTheWholeHerdAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Fixed: 80})
		throttle(t, l, 10*time.Second)
		for range 200 {
			go func() { _ = l.Acquire(t.Context()) }()
		}
		synctest.Wait()
		pass(10*time.Second - 1)
		if got := l.Stats().InFlight; got != 0 {
			t.Errorf("%d in flight in a cool-down", got)
		}
		pass(1)
		for step := 1; step <= 8; step++ {
			synctest.Wait()
			if got := l.Stats().InFlight; got != 10*step {
				t.Errorf("%d in flight at step %d, want %d", got, step, 10*step)
			}
			pass(time.Second / 8)
		}
		for range 80 {
			l.Release(Outcome{Kind: Abandoned})
		}
		synctest.Wait()
		l.SetFixed(200)
		for range l.Stats().InFlight {
			l.Release(Outcome{Kind: Abandoned})
		}
	})
}

// A lone request that is always throttled must wait out every Retry-After.
func TestCooldown_LastLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{})
		throttle(t, l, time.Second)
		for range 5 {
			if got := waitFor(t, l, Outcome{Kind: Throttled, RetryAfter: time.Second}); got != time.Second {
				t.Errorf("waited %v, want a second", got)
			}
		}
	})
}

// Every third answer asks for a second's pause, whatever the rate.
func TestCooldown_Storm(t *testing.T) {
	for name, options := range map[string]Options{"sought": {}, "fixed": {Fixed: 256}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const lines = 2000
				l := New(options)
				start, answered, sent := time.Now(), 0, 0
				done := make(chan Kind)
				queue := lines
				for inFlight := 0; answered < lines; {
					for ; queue > 0 && l.Stats().InFlight < l.Stats().Limit && l.Stats().CoolingUntil.IsZero(); queue-- {
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						if err := l.Acquire(ctx); err != nil {
							t.Fatal(err)
						}
						cancel()
						sent++
						inFlight++
						kind := OK
						if sent%3 == 0 {
							kind = Throttled
						}
						go func() {
							pass(5 * time.Millisecond)
							l.Release(Outcome{Kind: kind, Tokens: 10, RetryAfter: time.Second, Latency: 5 * time.Millisecond})
							done <- kind
						}()
					}
					if inFlight == 0 {
						pass(time.Millisecond)
						continue
					}
					if inFlight--; <-done == OK {
						answered++
					} else {
						queue++
					}
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("took %v for %d lines, want at most 5s", took, lines)
				}
			})
		})
	}
}
