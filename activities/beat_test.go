package activities

import (
	"testing"
	"time"
)

// TestNextBeat: an hour of an attempt that nothing goes wrong with costs some 750
// heartbeats, and cancellation is heard within seconds.
func TestNextBeat(t *testing.T) {
	t.Parallel()
	beats, age := 0, time.Duration(0)
	for ; age < time.Hour; beats++ {
		wait := nextBeat(age, false)
		if age < beatOften && wait != beatEvery {
			t.Fatalf("waits %s at the age of %s", wait, age)
		}
		if wait > 6*time.Second {
			t.Fatalf("a cancellation is heard %s late", wait)
		}
		age += wait
	}
	if beats < 600 || beats > 950 {
		t.Errorf("%d beats an hour", beats)
	}
	if wait := nextBeat(time.Hour, true); wait != beatEvery {
		t.Errorf("what failed is tried again after %s", wait)
	}
}
