package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// maxRentals bounds how often a lost endpoint is rented anew.
const maxRentals = 3

// Batch is one job's life: check the input, rent the endpoint, send the
// requests, release the endpoint, assemble the results. It returns the report;
// a job that did not complete ends cancelled or failed with the report in the
// error's details.
//
// Renting, sending and releasing run under a context that a cancellation, the
// deadline or a failure ends early; what must happen in any case, which is the
// release and everything after it, does not.
func Batch(ctx workflow.Context, input BatchInput) (jobs.Report, error) {
	b, err := newBatch(ctx, input)
	if err != nil {
		return jobs.Report{}, err
	}
	return b.run()
}

// batch is one run of Batch.
type batch struct {
	life  workflow.Context // not cancelled with the workflow
	work  workflow.Context // cancelled when the job is to end early
	halt  workflow.CancelFunc
	input BatchInput
	state BatchState
	phase jobs.Phase

	news    RentalNews          // latest word from Endpoint about rental number state.Rental
	open    int                 // shards under way
	done    int                 // shards finished, in this run and earlier ones
	stale   bool                // the endpoint was lost: rent anew before more is sent
	abandon workflow.CancelFunc // ends the shards under way

	outcome jobs.Outcome // empty while nothing has gone wrong
	failure string       // error type, when outcome is Failed or Expired
	shown   int64        // requests done when the search attributes were last set
}

func newBatch(ctx workflow.Context, input BatchInput) (*batch, error) {
	life, _ := workflow.NewDisconnectedContext(ctx)
	work, halt := workflow.WithCancel(life)
	b := &batch{life: life, work: work, halt: halt, input: input}
	if input.State != nil {
		b.resume(*input.State)
	} else {
		b.begin()
	}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (Progress, error) { return b.progress(), nil }); err != nil {
		return nil, fmt.Errorf("answer the %s query: %w", ProgressQuery, err)
	}
	workflow.Go(life, func(life workflow.Context) {
		ctx.Done().Receive(life, nil)
		b.end(jobs.Cancelled, "", "cancelled")
	})
	workflow.Go(life, b.watchDeadline)
	workflow.Go(life, b.listen)
	return b, nil
}

func (b *batch) begin() {
	now := workflow.Now(b.life)
	b.state.Deadline = now.Add(b.input.Spec.Limits.Deadline.Std())
	b.state.Report = jobs.Report{
		Job: b.input.Job, Name: b.input.Spec.Name, Started: now,
		Input: b.input.Spec.Input, Output: b.input.Spec.Output,
	}
}

// resume takes over from the run before, which left the endpoint serving.
func (b *batch) resume(state BatchState) {
	b.state = state
	b.done = state.Next - len(state.Again)
	b.phase = jobs.Running
	b.news = RentalNews{Number: state.Rental, Stage: Serving, Address: state.Address}
}

func (b *batch) run() (jobs.Report, error) {
	if b.input.State == nil && !b.prepare() {
		return b.finish()
	}
	for b.outcome == "" && b.state.unsent() {
		if b.rent() {
			b.send()
		}
		if b.handOver() {
			return jobs.Report{}, workflow.NewContinueAsNewError(b.life, BatchWorkflow, b.nextRun())
		}
		b.release()
	}
	b.collect()
	return b.finish()
}

// prepare checks the input and the endpoint's shape side by side, so that all
// that is wrong is told at once and nothing is rented for a bad job. It reports
// whether there is a job to run.
func (b *batch) prepare() bool {
	b.enter(jobs.Planning)
	plan, check := b.planInput(), b.checkEndpoint()
	checkErr := check.Get(b.life, nil)
	planErr := plan.Get(b.life, &b.state.Plan)
	if b.outcome == "" {
		b.failWith(planErr, checkErr)
	}
	b.state.Report.Counts.Total = b.state.Plan.Requests
	return b.outcome == ""
}

// rent asks Endpoint for an endpoint and waits until it serves. It reports
// false when the job is to end instead, or the rental already has.
func (b *batch) rent() bool {
	if b.news.Stage == Serving {
		return true
	}
	b.enter(jobs.Warming)
	b.state.Rental++
	b.news = RentalNews{Number: b.state.Rental}
	for b.news.Stage != Serving && b.news.Stage != Released {
		if err := b.askEndpoint(); err != nil {
			b.failWith(err)
			return false
		}
		// Asking again costs five events and finds out whether the Endpoint
		// workflow was terminated by hand.
		err := awaitAtMost(b.work, 5*time.Minute, "until the endpoint is asked for again", func() bool {
			return b.news.Stage == Serving || b.news.Stage == Released
		})
		if err != nil {
			return false
		}
	}
	if b.news.Stage == Released {
		b.endUnserved()
	}
	return b.news.Stage == Serving
}

// endUnserved ends the job when its rental was over before it served.
func (b *batch) endUnserved() {
	if b.news.ErrType == "" {
		b.end(jobs.Failed, jobs.EndpointLost, "the endpoint was released before it answered: "+b.news.Rental.Reason)
		return
	}
	b.end(jobs.Failed, b.news.ErrType, b.news.ErrText)
}

// unconfirmedAfter is how long a job waits for the proof that its endpoint is
// off before it ends badly and says so. Endpoint goes on trying for ever.
const unconfirmedAfter = 15 * time.Minute

// release ends the open rental and waits for the provider's confirmation.
func (b *batch) release() {
	if b.state.Rental == 0 {
		return
	}
	b.enter(jobs.Releasing)
	giveUp := workflow.Now(b.life).Add(unconfirmedAfter)
	for b.news.Stage != Released && workflow.Now(b.life).Before(giveUp) {
		if err := b.dismissEndpoint(); err != nil {
			workflow.GetLogger(b.life).Error("dismiss the endpoint", "error", err)
		}
		// Dismissing again starts a fresh Endpoint should this one have been
		// terminated by hand.
		_ = awaitAtMost(b.life, 2*time.Minute, "until the endpoint is dismissed again", func() bool { return b.news.Stage == Released })
	}
	b.state.Report.Rentals = append(b.state.Report.Rentals, b.news.Rental)
	if b.news.Stage != Released {
		b.outcome, b.failure = jobs.Failed, jobs.EndpointUnconfirmed
		b.state.Report.Reason = fmt.Sprintf("the provider has not confirmed that endpoint %s (%s) is off; workflow %s goes on trying",
			b.news.Rental.Name, b.news.Rental.ID, EndpointID(b.input.Job))
	}
	b.news = RentalNews{Number: b.state.Rental}
	b.stale = false
}

// end settles how the job ends, the first time that it is called.
func (b *batch) end(outcome jobs.Outcome, failure, reason string) {
	if b.outcome != "" || b.phase == jobs.Collecting {
		return
	}
	b.outcome, b.failure, b.state.Report.Reason = outcome, failure, reason
	b.halt()
}

func (b *batch) watchDeadline(ctx workflow.Context) {
	left := b.state.Deadline.Sub(workflow.Now(ctx))
	if workflow.NewTimerWithOptions(ctx, left, workflow.TimerOptions{Summary: "deadline of the job"}).Get(ctx, nil) == nil {
		b.end(jobs.Expired, jobs.DeadlineReached, "limits.deadline of "+b.input.Spec.Limits.Deadline.Std().String()+" passed")
	}
}

// listen takes news of the open rental.
func (b *batch) listen(ctx workflow.Context) {
	channel := workflow.GetSignalChannel(ctx, RentalSignal)
	for {
		var news RentalNews
		channel.Receive(ctx, &news)
		if news.Number == b.state.Rental {
			b.heard(news)
		}
	}
}

func (b *batch) heard(news RentalNews) {
	b.news = news
	if news.Stage == Serving {
		b.state.Address = news.Address
	}
	if news.Stage == Released && b.phase == jobs.Running {
		b.lost(news.Rental.Reason)
	}
	b.show()
}

// awaitAtMost waits for a condition, or until the time is up; summary is what
// the Web UI calls the timer.
func awaitAtMost(ctx workflow.Context, most time.Duration, summary string, condition func() bool) error {
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout: most, TimerOptions: workflow.TimerOptions{Summary: summary},
	}, condition)
	return err
}
