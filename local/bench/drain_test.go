package bench

import (
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
)

// BenchmarkDrain runs a job on four replicas, whose answers take one to sixteen
// seconds, so that the last of them are alone for a while. It reports the
// replica-seconds that the cloud billed, and what it bills for the same job
// when it refuses to scale, so that all replicas stay until the last answer.
func BenchmarkDrain(b *testing.B) {
	const lines, streams, replicas = 160, 8, 4
	w := newWorldOn(b, sim.Options{
		WarmUp: 100 * time.Millisecond, Drain: sim.None, AnswerTokens: sim.Range{Min: 1, Max: 16},
		Model: sim.Model{TimeToFirstToken: time.Second, TokenInterval: time.Second, MaxStreams: streams},
	}, lines)
	for b.Loop() {
		drained := w.replicaSeconds(b, lines, replicas, streams)
		w.Cloud.Inject(sim.Fault{Op: sim.OpUpdate, Kind: sim.Status})
		kept := w.replicaSeconds(b, lines, replicas, streams)
		w.Cloud.ClearFaults()
		b.ReportMetric(drained, "replica-s")
		b.ReportMetric(kept, "undrained-replica-s")
		b.ReportMetric(100*(1-drained/kept), "%saved")
	}
}

// replicaSeconds runs a job on so many replicas with so many streams each, and
// returns what the ledger says was billed for it.
func (w *world) replicaSeconds(b *testing.B, lines int64, replicas, streams int) float64 {
	b.Helper()
	before := w.Cloud.Ledger().Total.ReplicaSeconds
	w.nightshiftOn(b, lines, jobs.Replicas{Min: replicas, Max: replicas}, replicas*streams)
	return w.Cloud.Ledger().Total.ReplicaSeconds - before
}
