package workflows

import (
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// The calls of Endpoint: one typed method an activity, which holds its options.

// create asks for the endpoint, or adopts what an earlier attempt created. Its
// attempts are not interrupted, so that their outcome is known
// before a release begins.
func (r *rental) create() (EndpointCreated, error) {
	ctx := workflow.WithActivityOptions(r.wanted, workflow.ActivityOptions{
		TaskQueue:              ControlQueue,
		StartToCloseTimeout:    5 * time.Minute,
		HeartbeatTimeout:       controlHeartbeat,
		ScheduleToCloseTimeout: r.request.Warmup.Std(),
		WaitForCancellation:    true,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 15 * time.Second},
		Summary:                "rent " + r.request.Endpoint.String(),
	})
	var created EndpointCreated
	err := workflow.ExecuteActivity(ctx, CreateEndpoint, CreateCall{
		Job: r.request.Job, Endpoint: r.request.Endpoint, Output: r.request.Output, Deadline: r.request.Deadline,
	}).Get(r.life, &created)
	return created, err
}

// await polls until the endpoint answers a request: one long activity, so that
// neither the wait's length nor its pace costs history. It returns as soon as
// there is a reason to release. The activity ends some time later: an endpoint
// that was ready for some time and had not answered yet is billed all the same.
// Only what Temporal cancels between two attempts, when a worker has just died,
// leaves no reading: it then drops what was heartbeat.
func (r *rental) await(id string) (EndpointReady, error) {
	until := r.news.Rental.Requested.Add(r.request.Warmup.Std())
	ctx := workflow.WithActivityOptions(r.wanted, workflow.ActivityOptions{
		TaskQueue:              ControlQueue,
		ScheduleToCloseTimeout: max(until.Sub(workflow.Now(r.life)), 0) + warmupGrace,
		HeartbeatTimeout:       controlHeartbeat,
		WaitForCancellation:    workflow.GetVersion(r.life, cancelledWarmupBilled, workflow.DefaultVersion, 1) == 1,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 5 * time.Second},
		Summary:                "wait until the endpoint answers",
	})
	call := workflow.ExecuteActivity(ctx, AwaitEndpoint, AwaitCall{ID: id, Endpoint: r.request.Endpoint, Until: until})
	var ready EndpointReady
	var err error
	r.warming = true
	workflow.Go(r.life, func(ctx workflow.Context) {
		if err = call.Get(ctx, &ready); err != nil {
			ready.Meter = meterOf(err)
		}
		r.news.Rental.Meter, r.warming = ready.Meter, false
	})
	_ = workflow.Await(r.life, func() bool { return !r.warming || r.reason != "" })
	if r.warming {
		return EndpointReady{}, temporal.NewCanceledError()
	}
	return ready, err
}

// warmupGrace is for how long a worker may be late to say that the warm-up limit
// has passed; one that is dead does not say it.
const warmupGrace = 5 * time.Second

// meterOf is what was billed for an endpoint that never answered, as far as the
// error tells.
func meterOf(err error) (meter jobs.Meter) {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok && failure.HasDetails() {
		_ = failure.Details(&meter) // an error from before there was one has none
		return meter
	}
	if cancelled, ok := errors.AsType[*temporal.CanceledError](err); ok && cancelled.HasDetails() {
		_ = cancelled.Details(&meter) // one that no worker had taken up has the server's word for that
		return meter
	}
	if late, ok := errors.AsType[*temporal.TimeoutError](err); ok && late.HasLastHeartbeatDetails() {
		var beat EndpointBeat
		_ = late.LastHeartbeatDetails(&beat)
		return beat.Meter
	}
	return meter
}

// callTend returns when tending has ended, for which a cancelled one is waited
// for: its result is the meter's last reading.
func (r *rental) callTend(own, wanted workflow.Context) (Tended, error) {
	ctx := workflow.WithActivityOptions(wanted, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: 30 * 24 * time.Hour,
		HeartbeatTimeout:    controlHeartbeat,
		WaitForCancellation: true,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 15 * time.Second},
		Summary:             "count what is billed, and see that it serves",
	})
	var tended Tended
	call := TendCall{
		ID: r.news.Rental.ID, Endpoint: r.request.Endpoint, Terms: r.request.Terms, Owner: r.request.Owner,
		Meter: r.news.Rental.Meter, Cap: r.request.Cap,
	}
	if r.sharing != nil {
		r.sharing.limit(&call)
	}
	err := workflow.ExecuteActivity(ctx, TendEndpoint, call).Get(own, &tended)
	return tended, err
}

// turnOff retries for ever: an endpoint that may be running is never given up.
// The activity itself is retried without end; should it fail all the same, it
// is begun anew. Of batches that do not end the owner is told, once.
func (r *rental) turnOff() EndpointReleased {
	return r.callRelease(ReleaseCall{
		Job: r.request.Job, ID: r.news.Rental.ID, Endpoint: r.request.Endpoint, Output: r.request.Output, Tell: r.batches(),
	})
}

// turnOffLate releases what a create brought that the provider carried out
// late. The endpoint that was confirmed off is left alone, unless the job only
// borrowed it: with the policy disable another job may name it by now.
func (r *rental) turnOffLate() {
	call := ReleaseCall{Job: r.request.Job, ID: r.news.Rental.ID, Endpoint: r.request.Endpoint, Output: r.request.Output, Tell: r.batches()}
	if r.request.Endpoint.ID == "" {
		call.Over = r.news.Rental.ID
	}
	r.callRelease(call)
}

func (r *rental) callRelease(call ReleaseCall) EndpointReleased {
	ctx := workflow.WithActivityOptions(r.life, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    controlHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 15 * time.Second},
		Summary:             "release, and confirm by the provider's listing",
	})
	for {
		var released EndpointReleased
		err := workflow.ExecuteActivity(ctx, ReleaseEndpoint, call).Get(r.life, &released)
		switch {
		case err == nil && len(released.Open) == 0:
			return released
		case err == nil:
			r.news.Rental.ID = strings.Join(released.Open, ", ")
			r.tell(r.life, r.news.Stage)
			call.Tell = false
			continue
		}
		workflow.GetLogger(r.life).Error("release the endpoint", "name", r.news.Rental.Name, "error", err)
		_ = workflow.Sleep(r.life, time.Minute)
	}
}

// ownerClosed returns nil once the owner's newest run is closed. The activity
// fails while it is open and is retried: retries cost no history.
func (r *rental) ownerClosed(ctx workflow.Context, owner string) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: ownerPoll, BackoffCoefficient: 1, MaximumInterval: ownerPoll},
		Summary:             "watch the job, so that the endpoint does not outlive it",
	})
	return workflow.ExecuteActivity(ctx, WatchOwner, owner).Get(ctx, nil)
}

// controlHeartbeat is how long a dead control worker goes unnoticed. Workers
// beat every second.
const controlHeartbeat = 10 * time.Second

// ownerPoll bounds how long an endpoint outlives a terminated job.
const ownerPoll = 15 * time.Second
