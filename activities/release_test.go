package activities

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// TestReleaseEndpoint_LeavesWhatIsOver: the look for a late create leaves an
// endpoint that was turned off to whoever started it since, and takes another
// of the same job.
func TestReleaseEndpoint_LeavesWhatIsOver(t *testing.T) {
	t.Parallel()
	cloud := sim.New(sim.Options{WarmUp: sim.None, Drain: sim.None})
	server := httptest.NewServer(cloud)
	t.Cleanup(func() { server.Close(); cloud.Close() })
	e := &Endpoints{Installation: "here", Providers: Providers{"nebius": {Token: "any", BaseURL: server.URL}}}
	call := workflows.ReleaseCall{Job: "job", Endpoint: jobs.Endpoint{
		Provider: "nebius", Model: "openai/gpt-oss-120b", Flavor: "base", Region: "eu-north1",
		GPU: jobs.GPU{Type: "gpu-h100-sxm", Count: 1}, Replicas: jobs.Replicas{Min: 1, Max: 1}, Release: jobs.ReleaseDisable,
	}}
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	create := func(deadline time.Time) string {
		t.Helper()
		name := provider.Name{Installation: "here", Job: "job", Deadline: deadline}
		state, err := p.Create(context.Background(), name.String(), shapeOf(call.Endpoint))
		if err != nil {
			t.Fatal(err)
		}
		return state.ID
	}
	release := func(found int) {
		t.Helper()
		var suite testsuite.WorkflowTestSuite
		env := suite.NewTestActivityEnvironment()
		env.RegisterActivity(e)
		value, err := env.ExecuteActivity(e.ReleaseEndpoint, call)
		var released workflows.EndpointReleased
		if err == nil {
			err = value.Get(&released)
		}
		if err != nil || released.Found != found {
			t.Fatalf("released %+v, %v; want %d found", released, err, found)
		}
	}
	running := func(want int) {
		t.Helper()
		if on := cloud.Ledger().Running(); len(on) != want {
			t.Fatalf("%d run, want %d: %+v", len(on), want, on)
		}
	}
	call.ID = create(time.Unix(2_000_000_000, 0))
	release(1)
	running(0)
	if err := p.Start(context.Background(), call.ID); err != nil {
		t.Fatal(err)
	}
	call.Over = call.ID
	release(0)
	running(1)
	create(time.Unix(2_000_000_001, 0)) // the provider's, carried out late
	running(2)
	release(1)
	running(1)
	call.Over = ""
	release(1)
	running(0)
}
