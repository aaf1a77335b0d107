package pace

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClimber_Climbs(t *testing.T) {
	tests := map[string]struct {
		start, knee float64
		want        []int
	}{
		"to a knee between two doublings":   {32, 100, []int{64, 128, 256, 141}},
		"to a knee just above one":          {32, 70, []int{64, 128, 77}},
		"no further than the most":          {600, 1e6, []int{1000, 1000, 1000}},
		"and not at all where it is enough": {32, 10, []int{64, 35}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClimber(1, 1000)
			limit := test.start
			for i, want := range test.want {
				got := c.next(reading{limit, min(1, test.knee/limit)}, 1)
				if got != want {
					t.Fatalf("step %d: limit %d, want %d", i, got, want)
				}
				limit = float64(got)
			}
		})
	}
}

func TestClimber_Probes(t *testing.T) {
	base := reading{100, 1}
	tests := map[string]struct {
		beat    int64
		probe   int // limit while probing
		reading reading
		want    int // limit afterwards
	}{
		"up, and throughput grows":        {8, 140, reading{140, 0.9}, 140},
		"up, and it grows a little":       {8, 140, reading{140, 0.75}, 140},
		"up, and it does not":             {8, 140, reading{140, 0.72}, 100},
		"up, and it falls":                {8, 140, reading{140, 0.5}, 100},
		"up, and the limit is not used":   {8, 140, reading{100, 1}, 100},
		"down, and throughput falls":      {4, 80, reading{80, 1}, 100},
		"down, and it falls a little":     {4, 80, reading{80, 1.24}, 100},
		"down, and it stays":              {4, 80, reading{80, 1.25}, 80},
		"down, and it grows":              {4, 80, reading{80, 1.4}, 80},
		"neither, and throughput changes": {5, 100, reading{100, 0.5}, 100},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := climber{min: 1, max: 1000}
			if got := c.next(base, test.beat); got != test.probe {
				t.Fatalf("probes %d, want %d", got, test.probe)
			}
			if got := c.next(test.reading, 1); got != test.want {
				t.Errorf("limit %d, want %d", got, test.want)
			}
		})
	}
}

func TestClimber_DoublesWhereThereIsRoom(t *testing.T) {
	c := climber{min: 1, max: 1000}
	c.next(reading{100, 1}, 0)
	c.next(reading{140, 1}, 1)
	c.next(reading{140, 1}, 2)
	if got := c.next(reading{140, 1}, 8); got != 280 {
		t.Errorf("probes %d after a step without any slowing, want 280", got)
	}
}

func TestClimber_Retreats(t *testing.T) {
	c := newClimber(10, 1000)
	c.next(reading{100, 1}, 1)
	if got := c.retreat(200); got != 150 || !c.climbing {
		t.Errorf("first: limit %d, climbing %t; want 150 and climbing on", got, c.climbing)
	}
	if got := c.retreat(150); got != 113 || c.climbing {
		t.Errorf("second: limit %d, climbing %t; want 113 and an end of the climb", got, c.climbing)
	}
	if got := c.retreat(11); got != 10 {
		t.Errorf("limit %d, want the least of 10", got)
	}
}

func TestLimiter_BacksOff(t *testing.T) {
	tests := map[string]struct {
		failEvery int // of the requests sent; 0 for none
		throttled bool
		backsOff  bool
	}{
		"no failures":       {0, false, false},
		"accidents":         {50, false, false},
		"every fifth fails": {5, false, true},
		"all fail":          {1, false, true},
		"throttled":         {50, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const start = 64
				l := New(Options{Start: start, Max: start, Min: 4})
				least := start
				for sent := range 400 {
					acquireAll(t, l, 1)
					pass(10 * time.Millisecond)
					outcome := Outcome{Tokens: 10, Latency: 10 * time.Millisecond}
					if test.failEvery > 0 && sent%test.failEvery == test.failEvery-1 {
						outcome.Kind = Failed
						if test.throttled {
							outcome.Kind = Throttled
						}
					}
					l.Release(outcome)
					least = min(least, l.Stats().Limit)
				}
				if (least < start) != test.backsOff {
					t.Errorf("limit went to %d of %d", least, start)
				}
				if least < 4 {
					t.Errorf("limit went to %d, below the least of 4", least)
				}
			})
		})
	}
}

// All requests in flight fail at once: that is one bad moment, not 64.
func TestLimiter_BacksOffOncePerWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Options{Start: 64})
		acquireAll(t, l, 1)
		l.Release(Outcome{Latency: time.Millisecond}) // opens the window
		acquireAll(t, l, 64)
		pass(time.Second)
		for range 64 {
			l.Release(Outcome{Kind: Failed, Latency: time.Second})
		}
		if limit := l.Stats().Limit; limit != 48 {
			t.Errorf("limit %d, want 64 lowered once to 48", limit)
		}
	})
}

func TestClimber_ClimbsAnewAfterAnOutage(t *testing.T) {
	c := climber{min: 1, max: 1000}
	limit := 200
	for range outage {
		limit = c.retreat(limit)
	}
	for i, want := range []int{2 * limit, 4 * limit, 8 * limit} {
		got := c.next(reading{float64(limit << i), 1}, 1)
		if got != want {
			t.Fatalf("reading %d after the outage: limit %d, want %d", i, got, want)
		}
	}
	c = climber{min: 1, max: 1000}
	limit = c.retreat(200)
	if got := c.next(reading{float64(limit), 1}, 1); got != limit {
		t.Errorf("after one bad moment: limit %d, want %d", got, limit)
	}
}
