package system

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
)

// TestFairness_SmallJobBesideHuge: a job with more shards than the worker has
// slots for, on an endpoint so slow that none of them ends, leaves room for
// another job.
func TestFairness_SmallJobBesideHuge(t *testing.T) {
	t.Parallel()
	slow := sim.Model{TimeToFirstToken: 400 * time.Millisecond, MaxStreams: 8} // 20 requests a second
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: slow}})
	hugeJob := f.submit(f.spec(20_000)) // 50 shards of 400
	small := *f
	small.folder += "-small"
	var done int64
	ended := f.watch(hugeJob, func(cli.Snapshot) bool { return f.Cloud.Ledger().Total.Answered > 0 }, func() {
		spec := small.spec(40)
		rental := small.completed(small.await(small.submit(spec))).Rentals[0]
		t.Logf("from ready to the small job's first request: %s", rental.FirstSent.Sub(rental.Ready))
		done = f.Cloud.Ledger().Total.Answered
		if kinds := small.conserved(spec); kinds["ok"] != 40 {
			t.Errorf("result lines: %v", kinds)
		}
		if err := f.Client.CancelWorkflow(context.Background(), hugeJob, ""); err != nil {
			t.Error(err)
		}
	})
	if !temporal.IsCanceledError(ended.err) {
		t.Errorf("the huge job ended with %v", ended.err)
	}
	if done > 10_000 {
		t.Errorf("%d requests were answered before the small job was done", done)
	}
	f.nothingRuns()
}
