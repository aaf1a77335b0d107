package workflows

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

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
	next    bool                // the spec's next endpoint is to be tried

	held      *Pause    // paused; nil when not
	finishing bool      // the pause waits for what is in flight
	aside     ShardDone // what shards that the pause ended have done

	unclaimed bool // the output is another job's

	outcome jobs.Outcome // empty while nothing has gone wrong
	failure string       // error type, when outcome is Failed or Expired
	shown   int64        // requests done when the search attributes were last set
	written string       // URL of report.json, once it is there

	providerShown bool    // showsProvider
	sparing       bool    // windowByWorkers
	workers       workers // that finish this job's shards

	unguard  workflow.CancelFunc // ends the watch over a shared endpoint's Endpoint
	guarding bool                // it has not ended yet
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
	if err := b.takeOrders(ctx); err != nil {
		return nil, err
	}
	b.providerShown = workflow.GetVersion(ctx, showsProvider, workflow.DefaultVersion, 1) >= 1
	b.sparing = spares(ctx)
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
	for _, endpoint := range b.input.Spec.Choices() {
		b.state.Report.Asked = append(b.state.Report.Asked, endpoint.Provider+": "+endpoint.String())
	}
	if night := b.input.Night; night != nil {
		b.state.Report.Schedule, b.state.Report.ScheduledFor = night.Schedule, night.For
	}
}

// resume takes over from the run before, which left the endpoint serving.
func (b *batch) resume(state BatchState) {
	b.state = state
	b.workers.known = state.Workers
	b.done = state.Next - len(state.Again)
	b.phase = jobs.Running
	b.news = RentalNews{Number: state.Rental, Since: state.Since, Stage: Serving, Address: state.Address}
}

func (b *batch) run() (jobs.Report, error) {
	if b.input.State == nil && !b.prepare() {
		b.state.Report.Counts.NeverRan = b.state.Report.Counts.Total
		return b.finish()
	}
	for b.outcome == "" && b.state.unsent() {
		if !b.hold() {
			break
		}
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

// prepare claims the output, then checks the input and the shapes of all endpoints side by side, so
// that all that is wrong is told at once and nothing is rented for a bad job.
// It reports whether there is a job to run.
func (b *batch) prepare() bool {
	b.enter(jobs.Planning)
	if !b.claimOutput() {
		return false
	}
	plan := b.planInput()
	var checks []workflow.Future
	for _, endpoint := range b.input.Spec.Choices() {
		checks = append(checks, b.checkEndpoint(endpoint))
	}
	b.state.Terms = make([]Terms, len(checks))
	errs := make([]error, 1+len(checks))
	for i, check := range checks {
		errs[1+i] = check.Get(b.life, &b.state.Terms[i])
	}
	errs[0] = plan.Get(b.life, &b.state.Plan)
	b.state.Report.InputDigest = b.state.Plan.Digest
	b.skip(errs[0])
	if b.outcome == "" {
		b.failWith(errs...)
	}
	b.state.Report.Counts.Total = b.state.Plan.Requests
	return b.outcome == "" && b.reuse()
}

// unconfirmedAfter is how long a job waits for the proof that its endpoint is
// off before it ends badly and says so. Endpoint goes on trying for ever.
const unconfirmedAfter = 15 * time.Minute

// release ends the open rental and waits for the provider's confirmation.
func (b *batch) release() {
	if b.state.Rental == 0 || !b.guarded() {
		b.stale, b.news.Stage = false, ""
		return
	}
	b.enter(jobs.Releasing)
	b.finishing = false
	b.stopGuarding()
	giveUp := workflow.Now(b.life).Add(unconfirmedAfter)
	for !b.over() && workflow.Now(b.life).Before(giveUp) {
		if err := b.dismissEndpoint(); err != nil {
			workflow.GetLogger(b.life).Error("dismiss the endpoint", "error", err)
		}
		// Dismissing again starts a fresh Endpoint should this one have been
		// terminated by hand.
		_ = awaitAtMost(b.life, 2*time.Minute, "until the endpoint is dismissed again", b.over)
	}
	if !b.over() {
		b.news.Rental.Meter.Until = workflow.Now(b.life) // as far as anybody knows it ran all the time
	}
	b.record()
	if !b.over() {
		b.outcome, b.failure, b.state.Report.Reason = jobs.Failed, jobs.EndpointUnconfirmed, b.unconfirmed()
	}
	b.news = RentalNews{Number: b.state.Rental, Since: b.state.Since}
	b.stale, b.state.Run, b.state.Journal = false, "", ""
	b.moveOn()
}

// unconfirmed says what may still cost money, and what to do.
func (b *batch) unconfirmed() string {
	rental, guard := b.news.Rental, b.guard()
	if b.batches() {
		return fmt.Sprintf("%s has not confirmed that these batches are over, and they may still cost: %s; workflow %s goes on cancelling them; "+
			"look at them in the provider's console", b.endpoint().Provider, cmp.Or(rental.ID, "not known"), guard)
	}
	return fmt.Sprintf("the provider has not confirmed that endpoint %s is off; workflow %s goes on trying", rental.Called(), guard)
}

// over reports whether the open rental is over for this job: proved to be off, or
// a shared one that it has returned.
func (b *batch) over() bool { return b.news.Stage == Released || b.news.Stage == Returned }

// record puts the open rental into the report. Batches are no rental, unless
// they are left open.
func (b *batch) record() {
	rental := b.news.Rental
	if b.batches() && b.news.Stage == Released {
		return
	}
	rental.FirstSent, rental.LastAnswer = b.state.Sent.First, b.state.Sent.Last
	b.state.Sent = Sent{}
	b.state.Report.Rentals = append(b.state.Report.Rentals, rental)
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
		if news.Number == b.state.Rental && news.Since.Equal(b.state.Since) {
			b.heard(news)
		}
	}
}

func (b *batch) heard(news RentalNews) {
	if b.shares() && !b.heardShared(&news) {
		return
	}
	b.news = news
	if news.Stage == Serving {
		b.state.Address = news.Address
	}
	switch {
	case news.Capped != "":
		b.end(jobs.Expired, jobs.BudgetReached, news.Capped)
	case b.over() && b.phase == jobs.Running:
		b.lost(news.Rental.Reason)
	case b.over() && b.phase == jobs.Paused:
		b.stale = true
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
