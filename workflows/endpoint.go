package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// lookAgainAfter is when the account is searched once more after a confirmed
// release, for a create that the provider carried out late.
const lookAgainAfter = 2 * time.Minute

// Endpoint is one rental's life: it alone creates the endpoint, tells its owner
// when it serves, and releases it on the first of: dismissed by the owner,
// owner closed in whatever way, deadline, cancelled by hand. It ends only when
// the provider's listing confirms that nothing is left running.
//
// In mode provider-batch it creates nothing: the shards make their batches. It
// guards them in the same way, and cancels those that are under way at the end.
//
// One that jobs share has several owners: it is released when none of them has
// it any more and the linger is over.
func Endpoint(ctx workflow.Context, input EndpointInput) (jobs.Rental, error) {
	r := newRental(ctx, input)
	if r.sharing != nil {
		return r.runShared()
	}
	return r.run()
}

// rental is one run of Endpoint.
type rental struct {
	life    workflow.Context // not cancelled with the workflow: a release must run
	wanted  workflow.Context // cancelled as soon as there is a reason to release
	unwant  workflow.CancelFunc
	request EndpointRequest
	news    RentalNews
	reason  string           // why to release; empty while wanted
	again   *EndpointRequest // asked for after the reason was set
	warming bool             // the wait for its first answer goes on, and reads the meter
	tended  bool             // no reading of the meter is to come any more, once it served
	sharing *sharing         // nil where the endpoint has one owner
}

func newRental(ctx workflow.Context, input EndpointInput) *rental {
	request := input.EndpointRequest
	life, _ := workflow.NewDisconnectedContext(ctx)
	wanted, unwant := workflow.WithCancel(life)
	r := &rental{life: life, wanted: wanted, unwant: unwant, request: request}
	r.news = RentalNews{Number: request.Rental, Since: request.Since, Stage: Asked, Rental: jobs.Rental{
		Provider: request.Endpoint.Provider, Shape: request.Endpoint.String(), Requested: workflow.Now(ctx),
		GPUs: request.Terms.GPUs, Price: request.Terms.Price, PriceFrom: request.Terms.PriceFrom,
	}}
	if !request.Endpoint.Share.IsZero() {
		r.lendOut(input.Lending)
	}
	workflow.Go(life, func(life workflow.Context) {
		ctx.Done().Receive(life, nil)
		r.dismiss("the Endpoint workflow was cancelled by hand")
	})
	return r
}

func (r *rental) run() (jobs.Rental, error) {
	// A dismissal that came with the start must be seen before anything is created.
	for signals := r.signals(r.life); signals.HasPending() && r.reason == ""; {
		signals.Select(r.life)
	}
	workflow.Go(r.life, r.listen)
	workflow.Go(r.life, r.watchOwner)
	workflow.Go(r.life, r.watchDeadline)
	if err := r.rent(); err != nil && r.reason == "" {
		r.news.ErrType, r.news.ErrText = describe(err)
		r.dismiss(r.news.ErrText)
	}
	workflow.Go(r.life, r.tend)
	if err := workflow.Await(r.life, func() bool { return r.reason != "" }); err != nil {
		return r.news.Rental, err
	}
	r.release()
	r.tell(r.life, Released)
	return r.lookAgain()
}

// rent creates the endpoint and waits until it answers.
func (r *rental) rent() error {
	if r.reason != "" {
		return nil
	}
	if r.batches() { // there is nothing to rent, and everything to end
		r.news.Address = BatchAddress(r.request.Endpoint)
		r.tell(r.life, Serving)
		return nil
	}
	created, err := r.create()
	if err != nil {
		return err
	}
	r.news.Rental.ID, r.news.Rental.Name, r.news.Rental.Created = created.ID, created.Name, created.At
	r.adopted(created)
	r.tell(r.life, Created)

	ready, err := r.await(created.ID)
	if err != nil {
		return err
	}
	r.news.Address, r.news.Rental.Ready = ready.Address, ready.At
	r.settle(ready.At)
	r.tell(r.life, Serving)
	return nil
}

// batches reports whether a provider's own batches stand for the endpoint.
func (r *rental) batches() bool { return r.request.Endpoint.Mode == jobs.ProviderBatch }

// tend watches over the serving endpoint until there is a reason to release
// it: it counts what is billed, and sees when a limit is reached or when the
// endpoint is lost, even if nobody sends requests any more.
func (r *rental) tend(ctx workflow.Context) {
	defer func() { r.tended = true }()
	if r.reason != "" || r.news.Stage != Serving || r.batches() {
		return
	}
	tended, err := r.callTend(ctx, r.wanted)
	if err != nil {
		workflow.GetLogger(ctx).Error("tend the endpoint", "name", r.news.Rental.Name, "error", err)
		return
	}
	r.news.Rental.Meter, r.news.Rental.DrainFrom = tended.Meter, tended.Drained
	switch {
	case r.reason != "":
	case tended.Lost != "":
		r.dismiss(tended.Lost)
	case tended.Capped != "":
		r.capped(ctx, tended.Capped)
	}
}

// capped tells the owner that a limit is reached, and waits a little for its
// last answers; an owner whose workers are dead does not dismiss.
func (r *rental) capped(ctx workflow.Context, limit string) {
	r.news.Capped = limit + " is used up"
	r.tell(ctx, Serving)
	_ = awaitAtMost(ctx, capGrace, "for the last answers", func() bool { return r.reason != "" })
	r.dismiss(r.news.Capped)
}

// capGrace is for how long an endpoint that has used up its limit may finish
// what is in flight; it is billed meanwhile.
const capGrace = 20 * time.Second

// release does not return before the provider confirms the end, however many
// tries that takes.
func (r *rental) release() {
	released := r.turnOff()
	r.news.Rental.StopAsked, r.news.Rental.Confirmed = released.StopAsked, released.Confirmed
	r.news.Rental.ConfirmHow, r.news.Rental.Reason = released.How, r.reason
	_ = awaitAtMost(r.life, meterGrace, "for the last reading of the meter", func() bool { return r.tended && !r.warming })
	r.news.Rental.Meter = r.news.Rental.Meter.StoppedAt(released.StopAsked)
}

// meterGrace is for how long the meter's last reading is waited for: it comes
// with the next heartbeat of the worker that reads it, or, if that worker is
// dead, with the end of its heartbeat timeout.
const meterGrace = 15 * time.Second

// lookAgain searches once more for a late create, unless the owner asks for an
// endpoint again meanwhile: then a new run begins, which adopts what is there.
func (r *rental) lookAgain() (jobs.Rental, error) {
	err := awaitAtMost(r.life, lookAgainAfter, "until the account is searched once more", func() bool { return r.again != nil })
	if err != nil {
		return r.news.Rental, err
	}
	if r.again == nil {
		r.turnOffLate()
	}
	if r.again != nil {
		return r.news.Rental, workflow.NewContinueAsNewError(r.life, EndpointWorkflow, *r.again)
	}
	return r.news.Rental, nil
}

// describe sorts the error that kept an endpoint from serving. One that was
// retried to the end means that time ran out.
func describe(err error) (errType, text string) {
	failure, ok := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case ok && failure.Type() != jobs.Temporary:
		return failure.Type(), failure.Message()
	case ok:
		return jobs.WarmupLimit, lateText + "; last: " + failure.Message()
	case temporal.IsTimeoutError(err):
		return jobs.WarmupLimit, lateText + lastSeen(err)
	}
	return jobs.Internal, err.Error()
}

const lateText = "the endpoint did not answer within limits.warmup"

// lastSeen is what the provider said of an endpoint before its warm-up took too
// long, as far as AwaitEndpoint has heartbeat it.
func lastSeen(err error) string {
	var beat EndpointBeat
	late, ok := errors.AsType[*temporal.TimeoutError](err)
	if !ok || !late.HasLastHeartbeatDetails() || late.LastHeartbeatDetails(&beat) != nil || beat.Detail == "" {
		return ""
	}
	return "; last: " + beat.Detail
}
