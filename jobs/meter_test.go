package jobs

import (
	"math"
	"testing"
	"time"
)

func at(seconds float64) time.Time {
	return time.Unix(1_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func TestMeter(t *testing.T) {
	t.Parallel()
	var m Meter
	for _, reading := range []struct {
		at       float64
		replicas int
	}{{0, 0}, {10, 0}, {12, 1}, {20, 1}, {22, 3}, {60, 3}, {62, 2}, {100, 2}} {
		m.Read(at(reading.at), reading.replicas)
	}
	for _, test := range []struct{ from, to, want float64 }{
		{0, 11, 0},
		{0, 21, 10},
		{0, 61, 10 + 3*40},
		{0, 100, 10 + 3*40 + 2*39},
		{0, 110, 10 + 3*40 + 2*49}, // the last reading goes on
		{15, 30, 6 + 3*9},
		{31, 41, 30},
		{50, 40, 0},
	} {
		if got := m.ReplicaSeconds(at(test.from), at(test.to)); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("from %g to %g: %g, want %g", test.from, test.to, got, test.want)
		}
	}
	if m.Replicas() != 2 || !m.Until.Equal(at(100)) {
		t.Errorf("read last: %d until %s", m.Replicas(), m.Until)
	}
}

func TestMeter_IsBounded(t *testing.T) {
	t.Parallel()
	var m Meter
	for i := range 10 * maxSteps {
		m.Read(at(float64(i)), 1+i%2)
	}
	if len(m.Steps) > maxSteps {
		t.Errorf("%d steps", len(m.Steps))
	}
	want := 1.5 * 10 * maxSteps
	if got := m.ReplicaSeconds(at(-1), at(10*maxSteps)); math.Abs(got-want) > 2 {
		t.Errorf("%g replica-seconds, want %g", got, want)
	}
}

func TestMeter_Empty(t *testing.T) {
	t.Parallel()
	var m Meter
	if m.Replicas() != 0 || m.ReplicaSeconds(at(0), at(1)) != 0 {
		t.Error("an empty meter bills")
	}
}
