package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// maxLost bounds how often a job may lose its endpoint.
const maxLost = 3

// endpoint is the one of the spec's endpoints that is being tried.
func (b *batch) endpoint() jobs.Endpoint { return b.input.Spec.Choices()[b.state.Choice] }

func (b *batch) terms() Terms { return b.state.Terms[b.state.Choice] }

// rent asks Endpoint for an endpoint and waits until it serves. It reports
// false when the job is to end instead, or the rental already has.
func (b *batch) rent() bool {
	if b.news.Stage == Serving {
		b.startGuarding()
		return true
	}
	if !b.guarded() {
		b.news = RentalNews{Stage: Serving}
		b.state.Address = BatchAddress(b.endpoint())
		return true
	}
	if capped := b.cap(); capped != nil && capped.ReplicaSeconds <= 0 {
		b.end(jobs.Expired, jobs.BudgetReached, capped.Limit+" is used up")
		return false
	}
	if !b.batches() {
		b.enter(jobs.Warming)
	}
	b.state.Rental++
	b.state.Since = workflow.Now(b.life)
	b.news = RentalNews{Number: b.state.Rental, Since: b.state.Since}
	for b.news.Stage != Serving && !b.over() && !b.dropping() {
		if err := b.askEndpoint(b.life); err != nil {
			b.failWith(err)
			return false
		}
		b.startGuarding()
		// Asking again costs five events and finds out whether the Endpoint
		// workflow was terminated by hand.
		err := awaitAtMost(b.work, 5*time.Minute, "until the endpoint is asked for again", func() bool {
			return b.news.Stage == Serving || b.over() || b.dropping()
		})
		if err != nil {
			return false
		}
	}
	if b.over() {
		b.unserved()
	}
	return b.news.Stage == Serving
}

// batches reports whether the provider's own batches stand for an endpoint.
func (b *batch) batches() bool { return b.endpoint().Mode == jobs.ProviderBatch }

// guard is the workflow id of the Endpoint that is, or will be, asked.
func (b *batch) guard() string { return EndpointIDOf(b.input.Job, b.endpoint()) }

// guarded reports whether an Endpoint guards what the job has at the provider.
func (b *batch) guarded() bool {
	return !b.batches() || workflow.GetVersion(b.life, guardedBatches, workflow.DefaultVersion, 1) == 1
}

// unserved decides what follows a rental that was over before it served: the
// spec's next endpoint, if this one could not be had, another try after one that
// was lost on its way, or the job's end.
func (b *batch) unserved() {
	if b.news.Retired != "" { // another is to be had
		return
	}
	kind, text := b.news.ErrType, b.news.ErrText
	if kind == "" {
		kind, text = jobs.EndpointLost, "the endpoint was released before it answered: "+b.news.Rental.Reason
	}
	last := b.state.Choice == len(b.input.Spec.Choices())-1
	switch kind {
	case jobs.NoCapacity, jobs.WarmupLimit, jobs.EndpointLost:
		b.next = !last
	}
	switch {
	case b.next:
	case b.news.ErrType == jobs.EndpointLost && b.rentsAgain(), kind == jobs.WarmupLimit && b.otherWasImpatient():
		b.countLoss(text)
	default:
		b.end(jobs.Failed, kind, text)
	}
}

// rentsAgain reports whether an endpoint that was lost while it warmed up is
// rented again, as one that was lost in mid-run is.
func (b *batch) rentsAgain() bool {
	return workflow.GetVersion(b.life, rentAfterLostWarmup, workflow.DefaultVersion, 1) == 1
}

// moveOn turns to the spec's next endpoint if the one before could not be had.
func (b *batch) moveOn() {
	if b.next {
		b.state.Choice++
	}
	b.next = false
}

// cap is what the limits leave for the next rental, in seconds of its replicas;
// nil without a limit, or where nothing is billed.
func (b *batch) cap() *Cap {
	limits, terms, so := b.input.Spec.Limits, b.terms(), b.state.Report
	so.Settle()
	var least *Cap
	if limits.GPUMinutes > 0 && terms.GPUs > 0 {
		least = &Cap{
			ReplicaSeconds: (limits.GPUMinutes*60 - so.GPUSeconds()) / float64(terms.GPUs),
			Limit:          fmt.Sprintf("limits.gpu_minutes of %g", limits.GPUMinutes),
		}
	}
	if !limits.Cost.IsZero() && terms.Price.Amount > 0 {
		left := (limits.Cost.Amount - so.Cost.Amount) / terms.Price.Amount * 3600
		if least == nil || left < least.ReplicaSeconds {
			least = &Cap{ReplicaSeconds: left, Limit: "limits.cost of " + limits.Cost.String()}
		}
	}
	return least
}
