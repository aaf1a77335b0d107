package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"

	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/nightshift-run/nightshift/jobs"
)

// TestSweep tells what each outcome of the activity makes of a run.
func TestSweep(t *testing.T) {
	t.Parallel()
	orphan := SweptEndpoint{Provider: "nebius", ID: "ep-1", Name: "nightshift-x-job-1", Verdict: "unconfirmed", Reason: "past its deadline", Problem: "HTTP 500"}
	for name, c := range map[string]struct {
		result  SweepDone
		err     error
		errType string // of the run; empty if it completes
		text    string // of the run's error
		shown   string // in the Web UI
	}{
		"nothing found": {result: SweepDone{Providers: []string{"nebius"}, Foreign: 3}, shown: "looked at nebius; ours: 0, kept: 0, deleted: 0, unconfirmed: 0; of others: 3"},
		"no token":      {result: SweepDone{NoProviders: true}, shown: "no provider's token is set"},
		"deleted": {
			result: SweepDone{Providers: []string{"nebius"}, Ours: 1, Deleted: 1, Endpoints: []SweptEndpoint{{Provider: "nebius", ID: "ep-1", Verdict: "deleted", Reason: "past its deadline"}}},
			shown:  "| `ep-1`  | nebius | **deleted** | past its deadline |",
		},
		"unconfirmed": {
			result:  SweepDone{Providers: []string{"nebius"}, Ours: 1, Unconfirmed: 1, Endpoints: []SweptEndpoint{orphan}},
			errType: jobs.EndpointUnconfirmed, text: "not confirmed gone: 1 of our endpoints", shown: "past its deadline; HTTP 500",
		},
		"not listed": {
			result:  SweepDone{Providers: []string{"nebius"}, Problems: []string{"nebius: list endpoints: HTTP 503"}},
			errType: jobs.Temporary, text: "HTTP 503", shown: "- problem: nebius: list endpoints: HTTP 503",
		},
		"the activity fails": {err: temporal.NewNonRetryableApplicationError("broken", jobs.Internal, nil), errType: jobs.Internal, text: "broken", shown: "going through"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment()
			env.RegisterWorkflow(Sweep)
			env.RegisterActivityWithOptions(func(context.Context, SweepCall) (SweepDone, error) { return c.result, c.err },
				activity.RegisterOptions{Name: SweepEndpoints})
			env.ExecuteWorkflow(Sweep, SweepCall{})
			if !env.IsWorkflowCompleted() {
				t.Fatal("the workflow did not end")
			}
			err := env.GetWorkflowError()
			failed, ok := errors.AsType[*temporal.ApplicationError](err)
			if ok != (c.errType != "") || ok && failed.Type() != c.errType {
				t.Errorf("ended with %v, want type %q", err, c.errType)
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("ended with %v, want %q", err, c.text)
			}
			if shown := currentDetails(t, env); !strings.Contains(shown, c.shown) {
				t.Errorf("the Web UI shows %q, want %q", shown, c.shown)
			}
		})
	}
}

// currentDetails is what a workflow shows of itself, by the query that the Web
// UI asks.
func currentDetails(t *testing.T, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	answer, err := env.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		t.Fatal(err)
	}
	var metadata sdkpb.WorkflowMetadata
	if err := answer.Get(&metadata); err != nil {
		t.Fatal(err)
	}
	return metadata.GetCurrentDetails()
}
