package workflows

import (
	"fmt"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	finished := func(shards, workers int) func(*batch) {
		return func(b *batch) {
			for i := range shards {
				b.workers.finished(fmt.Sprintf("worker %d", i%workers))
			}
		}
	}
	for _, test := range []struct {
		name string
		do   func(*batch)
		want int
	}{
		{"before anything is known", func(*batch) {}, 4},
		{"one worker", finished(1, 1), 8},
		{"three workers", finished(10, 3), 16},
		{"a large fleet", finished(500, 200), 500},
		{"workers that tell no name", func(b *batch) { b.workers.finished("") }, 4},
		{"what the run before knew", func(b *batch) { b.workers.known = 9; finished(3, 3)(b) }, 40},
		{"workers that are gone", func(b *batch) { b.workers.known = 9; finished(300, 100)(b); finished(500, 2)(b) }, 12},
		{"begun by an older version", func(b *batch) { b.sparing = false }, 500},
		{"the provider's own batches", func(b *batch) { b.input.Spec.Endpoint.Mode = jobs.ProviderBatch }, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := &batch{sparing: true}
			test.do(b)
			if got := b.window(); got != test.want {
				t.Errorf("%d shards are open at once, want %d", got, test.want)
			}
		})
	}
}
