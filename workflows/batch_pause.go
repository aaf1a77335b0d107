package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// takeOrders answers the updates. An order changes what the job's own coroutine
// sees, which does the rest: a pause ends the open shards, whose requests in
// flight finish, and starts them again at the resume. The deadline counts on.
func (b *batch) takeOrders(ctx workflow.Context) error {
	pause := func(_ workflow.Context, order Pause) (Progress, error) {
		order.Release = order.Release || b.dropping()
		b.held = &order
		return b.progress(), nil
	}
	resume := func(workflow.Context) (Progress, error) {
		b.held = nil
		return b.progress(), nil
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, PauseUpdate, pause, workflow.UpdateHandlerOptions{
		Validator: func(Pause) error { return b.canPause() },
	}); err != nil {
		return fmt.Errorf("take the %s update: %w", PauseUpdate, err)
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, ResumeUpdate, resume, workflow.UpdateHandlerOptions{
		Validator: func() error { return b.canResume() },
	}); err != nil {
		return fmt.Errorf("take the %s update: %w", ResumeUpdate, err)
	}
	return nil
}

func (b *batch) canPause() error {
	switch {
	case b.outcome != "":
		return refuseOrder("the job is " + string(b.outcome) + " and on its way to its end")
	case b.phase == jobs.Collecting || b.phase == jobs.Ended,
		b.state.Plan.Shards > 0 && b.open == 0 && !b.state.unsent():
		return refuseOrder("every request is answered: there is nothing left to pause")
	}
	return nil
}

func (b *batch) canResume() error {
	if b.held == nil {
		return refuseOrder("the job is not paused")
	}
	return nil
}

// refuseOrder is an update that makes no sense now: nothing is wrong with the
// job.
func refuseOrder(why string) error {
	return temporal.NewNonRetryableApplicationError(why, jobs.OrderRefused, nil)
}

// dropping reports whether the pause wants the endpoint given back.
func (b *batch) dropping() bool { return b.held != nil && b.held.Release }

// hold waits for the end of a pause while nothing is rented, so that nothing is
// rented for it. It reports whether the job goes on.
func (b *batch) hold() bool {
	if b.held != nil && b.news.Stage != Serving {
		b.enter(jobs.Paused)
		b.until(func() bool { return b.held == nil || b.outcome != "" })
	}
	return b.outcome == ""
}

// standStill ends the open shards, lets what they have in flight finish, and
// waits for the end of the pause. It reports whether sending goes on, on the
// same endpoint.
func (b *batch) standStill() bool {
	if !b.batches() { // a provider's own batches run to their ends
		b.finishing = true
		b.abandon()
	}
	b.until(func() bool { return b.open == 0 })
	b.finishing = false
	if b.held != nil && !b.dropping() && b.outcome == "" && !b.stale && b.state.unsent() {
		b.enter(jobs.Paused)
		b.until(func() bool { return b.held == nil || b.dropping() || b.outcome != "" || b.stale })
	}
	return b.sending()
}

// setAside counts what a cancelled shard has done, for as long as no attempt at
// it tells by heartbeats, and the time that it was busy for good.
func (b *batch) setAside(err error) {
	var done ShardDone
	if cancelled, ok := errors.AsType[*temporal.CanceledError](err); ok && cancelled.HasDetails() && cancelled.Details(&done) == nil {
		b.aside.Completed += done.Completed
		b.aside.Failed += done.Failed
		b.aside.Usage.Add(done.Usage)
		b.state.Sent.Add(done.Sent)
	}
}

// counts are the requests of finished shards, and of those set aside.
func (b *batch) counts() (jobs.Counts, jobs.Usage) {
	counts, usage := b.state.Report.Counts, b.state.Report.Usage
	counts.Completed += b.aside.Completed
	counts.Failed += b.aside.Failed
	usage.Add(b.aside.Usage)
	return counts, usage
}
