package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// An endpoint that jobs name by its id has one Endpoint workflow for all of them
// (see EndpointIDOf), which serves one at a time: it alone knows in which state
// the endpoint was found and must be left. Another job that asks meanwhile is
// refused; one that asks while the endpoint is being returned comes next.

// taken reports whether a job asks for what another one has, or comes next to.
func (r *rental) taken(request EndpointRequest) bool {
	if r.reason == "" {
		return request.Job != r.request.Job
	}
	return r.again != nil && request.Job != r.again.Job
}

// refuse tells a job that another one has the endpoint.
func (r *rental) refuse(ctx workflow.Context, request EndpointRequest) {
	holder := r.request.Job
	if r.reason != "" {
		holder = r.again.Job
	}
	r.answer(ctx, request, fmt.Sprintf("%s of %s is in use by job %s; submit this job again when that one is over, or name another endpoint",
		request.Endpoint, request.Endpoint.Provider, holder))
}

// dismissedByAnother lets a job go that does not have the endpoint, or not yet.
func (r *rental) dismissedByAnother(ctx workflow.Context, request EndpointRequest) {
	if r.again != nil && r.again.Job == request.Job {
		r.again = nil
	}
	r.answer(ctx, request, "")
}

// answer tells a job that it does not have the endpoint; refusal says why, to
// one that wants it.
func (r *rental) answer(ctx workflow.Context, request EndpointRequest, refusal string) {
	now := workflow.Now(ctx)
	news := RentalNews{Number: request.Rental, Since: request.Since, Stage: Released, ErrText: refusal, Rental: jobs.Rental{
		Provider: request.Endpoint.Provider, ID: request.Endpoint.ID, Shape: request.Endpoint.String(), Requested: now,
		Confirmed: now, ConfirmHow: "another job has it, and it was not touched", Reason: refusal,
	}}
	if refusal != "" {
		news.ErrType = jobs.NoCapacity
	}
	signal(ctx, request.Owner, news)
}
