package workflows

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/jobs"
)

// onBatches makes a world's job one that the provider's own Batch API answers.
func onBatches(t *testing.T) *world {
	w := newWorld(t)
	w.choices = []jobs.Endpoint{{Provider: "lyceum", Model: "m", Mode: jobs.ProviderBatch}}
	return w
}

// TestBatch_GuardsProviderBatches: nothing is rented or reported as rented, and
// an Endpoint is there all the same until the end.
func TestBatch_GuardsProviderBatches(t *testing.T) {
	t.Parallel()
	w := onBatches(t)
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.asks) != 1 || len(w.dismiss) != 1 || w.requests[0].Endpoint.Mode != jobs.ProviderBatch {
		t.Errorf("asked %d times, dismissed %d times", len(w.asks), len(w.dismiss))
	}
	if want := (Address{Provider: "lyceum", Model: "m"}); len(w.shards) != 0 || !slices.Equal(w.batches, []Address{want, want, want}) {
		t.Errorf("sent to %+v", w.batches)
	}
	warming := slices.ContainsFunc(report.Phases, func(p jobs.PhaseTime) bool { return p.Phase == jobs.Warming })
	if len(report.Rentals) != 0 || warming {
		t.Errorf("report = %+v", report)
	}
}

// TestBatch_NamesBatchesThatAreNotConfirmedOver: a job that was only cancelled
// fails for them.
func TestBatch_NamesBatchesThatAreNotConfirmedOver(t *testing.T) {
	t.Parallel()
	w := onBatches(t)
	w.silent = true
	w.batch = func() (ShardDone, error) { return ShardDone{}, activity.ErrResultPending }
	w.env.RegisterDelayedCallback(w.env.CancelWorkflow, time.Minute)
	w.env.RegisterDelayedCallback(func() {
		request := w.requests[0]
		w.env.SignalWorkflow(RentalSignal, RentalNews{
			Number: request.Rental, Since: request.Since, Stage: Serving, Rental: jobs.Rental{Provider: "lyceum", ID: "batch-7, batch-9"},
		})
	}, 3*time.Minute)
	_, err := w.run(t)
	report := failedAs(t, err, jobs.EndpointUnconfirmed)
	for _, want := range []string{"lyceum", "batch-7, batch-9", "endpoint/job", "console"} {
		if !strings.Contains(report.Reason, want) {
			t.Errorf("reason %q does not say %q", report.Reason, want)
		}
	}
	if open := report.Unconfirmed(); len(open) != 1 || open[0].ID != "batch-7, batch-9" {
		t.Errorf("unconfirmed: %+v", open)
	}
}

// guarding makes an account's request one for a provider's batches.
func guarding(a *account) EndpointRequest {
	request := a.request()
	request.Endpoint = jobs.Endpoint{Provider: "lyceum", Model: "m", Mode: jobs.ProviderBatch}
	request.Cap = nil
	return request
}

// TestEndpoint_GuardsBatches of an owner that is terminated, and tells of those
// that do not end.
func TestEndpoint_GuardsBatches(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.running = true // what shards have made
	looks := 0
	a.owner = func(string) error {
		if looks++; looks < 5 {
			return errOpen
		}
		return nil
	}
	release, told := a.release, ""
	a.release = func() (EndpointReleased, error) {
		switch a.releases {
		case 1:
			return EndpointReleased{Open: []string{"batch-7", "batch-9"}}, nil
		case 2:
			told = a.last.Rental.ID
		}
		return release()
	}
	a.env.ExecuteWorkflow(Endpoint, EndpointInput{EndpointRequest: guarding(a)})
	if err := a.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if want := []RentalStage{Serving, Serving, Released}; !slices.Equal(a.heard, want) || told != "batch-7, batch-9" {
		t.Errorf("the owner heard %v, and of %q", a.heard, told)
	}
	if a.creates != 0 || a.running || a.last.Rental.Reason != "its job is closed" {
		t.Errorf("%d creates, last %+v", a.creates, a.last)
	}
}
