package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// What an Endpoint hears from its owner, and tells it.

// dismiss notes the first reason to release and stops what goes on.
func (r *rental) dismiss(reason string) {
	if r.reason == "" {
		r.reason = reason
		if r.sharing != nil {
			r.sharing.over = workflow.Now(r.life)
		}
		r.unwant()
	}
}

// listen takes signals for as long as the workflow lives.
func (r *rental) listen(ctx workflow.Context) {
	for signals := r.signals(ctx); ; {
		signals.Select(ctx)
	}
}

// signals selects over what the owner sends. The context is the coroutine's
// that selects.
func (r *rental) signals(ctx workflow.Context) workflow.Selector {
	return workflow.NewSelector(ctx).
		AddReceive(workflow.GetSignalChannel(ctx, AskSignal), func(channel workflow.ReceiveChannel, _ bool) {
			var request EndpointRequest
			channel.Receive(ctx, &request)
			if r.sharing != nil {
				r.lend(request)
				return
			}
			r.asked(ctx, request)
		}).
		AddReceive(workflow.GetSignalChannel(ctx, DismissSignal), func(channel workflow.ReceiveChannel, _ bool) {
			var dismissal Dismissal
			channel.Receive(ctx, &dismissal)
			if r.sharing != nil {
				r.takeBack(dismissal)
				return
			}
			if dismissal.Request.Job != r.request.Job {
				r.dismissedByAnother(ctx, dismissal.Request)
				return
			}
			if dismissal.Request.Rental >= r.news.Number && !dismissal.Request.Since.Before(r.news.Since) {
				r.dismiss(dismissal.Reason)
			}
		})
}

// asked answers an owner that asks: for the first time, again because it was
// reset, or for the next rental while this one is being released.
func (r *rental) asked(ctx workflow.Context, request EndpointRequest) {
	same := request.Job == r.request.Job && request.Rental == r.news.Number && request.Since.Equal(r.news.Since)
	switch {
	case r.taken(request):
		r.refuse(ctx, request)
		return
	case r.reason != "" && !same:
		r.again = &request
		return
	case r.reason != "": // an owner that asks once more for what is on its way out
		if r.news.Stage == Released {
			r.tell(ctx, Released)
		}
		return
	}
	r.request, r.news.Number, r.news.Since = request, request.Rental, request.Since
	if r.news.Stage != Asked {
		r.tell(ctx, r.news.Stage)
	}
}

func (r *rental) watchDeadline(ctx workflow.Context) {
	left := r.request.Deadline.Sub(workflow.Now(ctx))
	if workflow.NewTimerWithOptions(ctx, left, workflow.TimerOptions{Summary: "deadline of the endpoint"}).Get(ctx, nil) == nil {
		r.dismiss("deadline " + r.request.Deadline.UTC().Format(time.RFC3339) + " passed")
	}
}

func (r *rental) watchOwner(ctx workflow.Context) {
	if r.ownerClosed(ctx, r.request.Owner) == nil {
		r.dismiss("its job is closed")
	}
}

// tell sends the owner news, or all of them.
func (r *rental) tell(ctx workflow.Context, stage RentalStage) {
	r.news.Stage = stage
	workflow.SetCurrentDetails(ctx, r.details())
	if r.sharing != nil {
		r.tellAll(stage)
		return
	}
	signal(ctx, r.request.Owner, r.news)
}

// signal sends an owner news and waits until they are there; an owner that is
// gone is no reason to stop.
func signal(ctx workflow.Context, owner string, news RentalNews) {
	err := workflow.SignalExternalWorkflow(ctx, owner, "", RentalSignal, news).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Info("owner not told", "owner", owner, "stage", news.Stage, "error", err)
	}
}
