package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
)

// storm is an endpoint that answers every third request with 429 and asks for a
// pause of a second.
func (b *bench) storm(ctx context.Context) error {
	const lines = 2000
	w, input, err := b.begin(ctx, answersIn(0), lines, 16)
	if err != nil {
		return err
	}
	defer w.Stop()
	w.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.RetryAfter, Every: 3, RetryAfter: time.Second})
	r, err := w.run(ctx, spec(input, inFlight, 1), lines)
	if err != nil {
		return err
	}
	took := r.took(jobs.Running)
	b.add(Row{
		What: "2,000 lines, every third answer 429 with Retry-After: 1", Ours: fmt.Sprintf("%.1f s, %d lost", took, lines-r.Counts.Completed),
		Target: "<= 5 s, 0 lost", Missed: took > 5 || r.Counts.Completed != lines,
	})
	return nil
}

// kill kills a worker with -9 when 28 % of a job's lines have been answered, and
// starts another.
func (b *bench) kill(ctx context.Context) error {
	w, input, err := b.begin(ctx, answersIn(20), b.Lines, 16)
	if err != nil {
		return err
	}
	defer w.Stop()
	before := ownCPU()
	first, err := w.startWorker()
	if err != nil {
		return err
	}
	defer first.kill()
	id, err := w.submit(ctx, spec(input, inFlight, 1))
	if err != nil {
		return err
	}
	second, err := w.killAt(ctx, id, first, b.Lines*28/100)
	if err != nil {
		return err
	}
	defer second.kill()
	r, err := w.await(ctx, id, second, b.Lines, before)
	if err != nil {
		return err
	}
	// What was in flight, or not yet in the bucket, is asked again.
	again := w.Cloud.Ledger().Data.RepeatedBodies
	b.add(Row{
		What: fmt.Sprintf("%s lines, worker killed with -9 at 28 %%", grouped(b.Lines)),
		Ours: fmt.Sprintf("completed, %d lost, %s asked again", b.Lines-r.Counts.Completed, grouped(again)), Target: "completed, 0 lost",
	})
	return nil
}

// killAt kills the worker once so many requests have been received, and starts
// another.
func (w *world) killAt(ctx context.Context, id string, first *workerProcess, requests int64) (*workerProcess, error) {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := cli.Watch(watching, w.Client, id, time.Second, func(cli.Snapshot) {})
		ended <- err
	}()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the job ended before its worker was killed: %w", err)
		case <-ticker.C:
		}
		if w.Cloud.Ledger().Data.Received >= requests {
			first.kill()
			return w.startWorker()
		}
	}
}
