package sim

import (
	"maps"
	"testing"
	"time"
)

func TestBatch_SharesSpeedBeyondTheKnee(t *testing.T) {
	t.Parallel()
	type join struct{ at, work, leaves time.Duration }
	const ms = time.Millisecond
	tests := []struct {
		name  string
		knee  int
		joins []join
		want  map[int]time.Duration // by number of the join: when it was done
	}{
		{"alone", 1, []join{{work: 100 * ms}}, map[int]time.Duration{0: 100 * ms}},
		{"no knee", 0, []join{{work: 100 * ms}, {work: 100 * ms}}, map[int]time.Duration{0: 100 * ms, 1: 100 * ms}},
		{"at the knee", 2, []join{{work: 100 * ms}, {work: 50 * ms}}, map[int]time.Duration{0: 100 * ms, 1: 50 * ms}},
		{"twice the knee", 1, []join{{work: 100 * ms}, {work: 100 * ms}}, map[int]time.Duration{0: 200 * ms, 1: 200 * ms}},
		{"second joins half-way", 1, []join{{work: 100 * ms}, {at: 50 * ms, work: 100 * ms}},
			map[int]time.Duration{0: 150 * ms, 1: 200 * ms}},
		{"short one overtakes", 1, []join{{work: 100 * ms}, {at: 20 * ms, work: 10 * ms}},
			map[int]time.Duration{0: 110 * ms, 1: 40 * ms}},
		{"leaving gives speed back", 1, []join{{work: 100 * ms}, {work: 100 * ms, leaves: 100 * ms}},
			map[int]time.Duration{0: 150 * ms}},
		{"uneven share", 3, []join{{work: 30 * ms}, {work: 30 * ms}, {work: 30 * ms}, {work: 30 * ms}},
			map[int]time.Duration{0: 40 * ms, 1: 40 * ms, 2: 40 * ms, 3: 40 * ms}},
		{"begins anew after a pause", 1, []join{{work: 10 * ms}, {at: time.Hour, work: 10 * ms}},
			map[int]time.Duration{0: 10 * ms, 1: time.Hour + 10*ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			b := batch{model: Model{Knee: tt.knee}}
			streams := map[*stream]int{}
			leaving := map[time.Duration]*stream{}
			done := map[int]time.Duration{}
			collect := func(now time.Time) {
				for s := b.finished(now); s != nil; s = b.finished(now) {
					done[streams[s]] = now.Sub(start).Round(time.Microsecond)
				}
			}
			runTo := func(now time.Time) {
				for next := b.next(); !next.IsZero() && next.Before(now); next = b.next() {
					collect(next)
				}
			}
			for i, j := range tt.joins {
				runTo(start.Add(j.at))
				s := &stream{work: j.work}
				streams[s] = i
				b.join(start.Add(j.at), s)
				if j.leaves > 0 {
					leaving[j.leaves] = s
				}
			}
			for at, s := range leaving {
				runTo(start.Add(at))
				b.leave(start.Add(at), s)
			}
			runTo(start.Add(24 * time.Hour))
			if !maps.Equal(done, tt.want) {
				t.Errorf("done at %v, want %v", done, tt.want)
			}
		})
	}
}

// TestBatch_ThroughputSaturates has twice, ten and a hundred times the knee
// take as long as the work divided by the knee, to the microsecond.
func TestBatch_ThroughputSaturates(t *testing.T) {
	t.Parallel()
	const knee, work = 8, 100 * time.Millisecond
	for _, n := range []int{knee, 2 * knee, 10 * knee, 100 * knee} {
		start := time.Unix(0, 0)
		b := batch{model: Model{Knee: knee}}
		for range n {
			b.join(start, &stream{work: work})
		}
		var last time.Time
		for next := b.next(); !next.IsZero(); next = b.next() {
			last = next
			for b.finished(next) != nil {
			}
		}
		want := work * time.Duration(n) / knee
		if took := last.Sub(start); (took - want).Abs() > time.Microsecond {
			t.Errorf("%d streams took %v, want %v", n, took, want)
		}
	}
}

func TestModel_Wanted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		model Model
		load  int
		want  int
	}{
		{"idle", Model{Knee: 4}, 0, 2},
		{"fits", Model{Knee: 4}, 8, 2},
		{"one more", Model{Knee: 4}, 9, 3},
		{"beyond the bounds", Model{Knee: 4}, 1000, 5},
		{"no knee", Model{}, 1000, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			equal(t, "replicas", tt.model.wanted(tt.load, Range{2, 5}), tt.want)
		})
	}
}
