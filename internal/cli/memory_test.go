package cli

import "testing"

func TestPercentFor(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: 800, 1 << 20: 600, 5 << 20: 120, 10 << 20: 60, 40 << 20: gcPercent, 1 << 40: gcPercent,
	} {
		if got := percentFor(live); got != want {
			t.Errorf("a live heap of %d bytes may grow by %d %%, want %d", live, got, want)
		}
	}
}
