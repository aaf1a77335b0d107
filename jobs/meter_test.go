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

// TestMeter_StoppedAt: what a reading after the stop does not show any more was
// there until the stop; what was gone before stays gone.
func TestMeter_StoppedAt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		readings [][2]int // seconds, replicas
		stop     int
		want     float64
	}{
		"seen after the stop":      {[][2]int{{0, 2}, {10, 2}, {15, 0}, {16, 0}}, 14, 28},
		"lost before":              {[][2]int{{0, 2}, {10, 2}, {12, 1}, {15, 1}, {20, 0}}, 19, 2*11 + 8},
		"no reading after":         {[][2]int{{0, 1}, {10, 1}}, 13, 13},
		"stop between equal ones":  {[][2]int{{0, 1}, {10, 1}, {20, 1}}, 15, 15},
		"gone unwatched":           {[][2]int{{0, 2}, {100, 0}, {102, 0}}, 300, 200},
		"stopped unwatched":        {[][2]int{{0, 2}, {100, 0}, {102, 0}}, 90, 180},
		"came while it was looked": {[][2]int{{0, 1}, {10, 3}, {20, 0}}, 18, 5 + 3*13},
	} {
		var m Meter
		for _, reading := range test.readings {
			m.Read(at(float64(reading[0])), reading[1])
		}
		stop := at(float64(test.stop))
		if got := m.StoppedAt(stop).ReplicaSeconds(time.Time{}, stop); got != test.want {
			t.Errorf("%s: %g replica-seconds, want %g", name, got, test.want)
		}
		if again := m.StoppedAt(stop).StoppedAt(time.Time{}); again.ReplicaSeconds(time.Time{}, stop) != test.want {
			t.Errorf("%s: changed by a stop that never was", name)
		}
	}
}
