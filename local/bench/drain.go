package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// drained runs a job on four replicas, whose answers take one to sixteen
// seconds, so that the last of them are alone for a while. It tells what the
// cloud billed, beside what it bills for the same job when it refuses to scale,
// so that all replicas stay until the last answer.
func (b *bench) drained(ctx context.Context) error {
	const lines, streams, replicas = 160, 8, 4
	tokens := sim.Range{Min: 1, Max: 16}
	w, input, err := b.begin(ctx, sim.Options{AnswerTokens: tokens, Model: sim.Model{
		TimeToFirstToken: time.Second, TokenInterval: time.Second, MaxStreams: streams,
	}}, lines, tokens.Max)
	if err != nil {
		return err
	}
	defer w.Stop()
	billed := func() (float64, error) {
		r, err := w.run(ctx, spec(input, replicas*streams, replicas), lines)
		return r.entry.ReplicaSeconds, err
	}
	givenBack, err := billed()
	if err != nil {
		return err
	}
	w.Cloud.Inject(sim.Fault{Op: sim.OpUpdate, Kind: sim.Status})
	defer w.Cloud.ClearFaults()
	kept, err := billed()
	if err != nil {
		return err
	}
	b.add(Row{
		What: fmt.Sprintf("billed, of the %.0f replica seconds when none is given back early: 4 replicas, uneven answers", kept),
		Ours: fmt.Sprintf("%.3f", givenBack/kept), Target: "< 1", Missed: givenBack >= kept,
	})
	return nil
}
