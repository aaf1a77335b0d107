package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// maxWindow is how many shards are open at once at most: far below the 2,000
// pending activities at which the server fails a workflow.
const maxWindow = 500

// batchWindow is how many of a provider's own batches are open at once: each
// holds a shard, and none has to wait for a worker.
const batchWindow = 20

// shardsPerWorker is how many open shards of one job suffice to keep a data
// worker busy: one whose lines are being taken, one whose last answers are
// awaited, and some for what chance gives another worker.
const shardsPerWorker = 4

// workers is what a job knows of the data workers: which of them finished its
// latest shards.
type workers struct {
	latest []string // newest last
	known  int      // how many there were in the run before
}

// finished notes the worker that finished a shard.
func (w *workers) finished(worker string) {
	if worker == "" { // of an older version
		return
	}
	if w.latest = append(w.latest, worker); len(w.latest) > maxWindow {
		w.latest = w.latest[1:]
	}
}

// count is how many workers finish this job's shards.
func (w *workers) count() int {
	seen := map[string]bool{}
	for _, worker := range w.latest {
		seen[worker] = true
	}
	if len(w.latest) < maxWindow/2 {
		return max(len(seen), w.known)
	}
	return len(seen)
}

// window is how many shards are open at once. What no worker has taken yet lies
// in a queue before the shards of other jobs, whose endpoints would idle
// meanwhile; so there are no more than what the workers that this job has met
// can do, and some more to meet others by.
func (b *batch) window() int {
	switch {
	case b.endpoint().Mode == jobs.ProviderBatch:
		return batchWindow
	case !b.sparing:
		return maxWindow
	}
	return min(shardsPerWorker*(b.workers.count()+1), maxWindow)
}

// spares reports whether this run bounds its window by the workers.
func spares(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, windowByWorkers, workflow.DefaultVersion, 1) >= 1
}
