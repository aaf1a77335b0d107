package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

const (
	running    = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	terminated = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
)

// executions is a Temporal that knows the newest run of each workflow.
type executions struct {
	client.Client
	status map[string]enumspb.WorkflowExecutionStatus
	closed map[string]time.Time
	err    error
}

func (e executions) DescribeWorkflowExecution(_ context.Context, id, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	status, known := e.status[id]
	switch {
	case e.err != nil:
		return nil, e.err
	case runID != "":
		return nil, errors.New("asked for one run, not for the newest")
	case !known:
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	text := fmt.Sprintf(`{"workflowExecutionInfo":{"status":%q}}`, status)
	if at, ok := e.closed[id]; ok {
		text = fmt.Sprintf(`{"workflowExecutionInfo":{"status":%q,"closeTime":%q}}`, status, at.Format(time.RFC3339Nano))
	}
	var description workflowservice.DescribeWorkflowExecutionResponse
	err := temporalproto.CustomJSONUnmarshalOptions{}.Unmarshal([]byte(text), &description)
	return &description, err
}

// account is a provider's account in a simulated cloud.
type account struct {
	*testing.T
	cloud     *sim.Cloud
	providers Providers
}

func newAccount(t *testing.T) *account {
	t.Helper()
	cloud := sim.New(sim.Options{Token: "secret", Drain: sim.None})
	server := httptest.NewServer(cloud)
	t.Cleanup(func() {
		cloud.Close()
		server.Close()
	})
	return &account{T: t, cloud: cloud, providers: Providers{"nebius": provider.Settings{Token: "secret", BaseURL: server.URL}}}
}

// rent creates an endpoint with so much time to its deadline.
func (a *account) rent(installation, job string, left time.Duration) {
	a.Helper()
	p, err := registry.Open("nebius", a.providers["nebius"])
	if err != nil {
		a.Fatal(err)
	}
	name := provider.Name{Installation: installation, Job: job, Deadline: time.Now().Add(left)}
	_, err = p.Create(a.Context(), name.String(), provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", Region: "eu-north1",
		GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		a.Fatal(err)
	}
}

// sweep runs the activity as installation "ours".
func (a *account) sweep(temporal executions, grace time.Duration) workflows.SweepDone {
	a.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	sweeping := &Sweeping{Client: temporal, Providers: a.providers, Installation: "ours"}
	env.RegisterActivityWithOptions(sweeping.SweepEndpoints, activity.RegisterOptions{Name: workflows.SweepEndpoints})
	value, err := env.ExecuteActivity(workflows.SweepEndpoints, workflows.SweepCall{Grace: jobs.Duration(grace)})
	if err != nil {
		a.Fatal(err)
	}
	var done workflows.SweepDone
	if err := value.Get(&done); err != nil {
		a.Fatal(err)
	}
	return done
}

// running are the jobs whose endpoints are on, sorted.
func (a *account) running() []string {
	var left []string
	for _, entry := range a.cloud.Ledger().Running() {
		name, err := provider.ParseName(entry.Name)
		if err != nil {
			a.Fatal(err)
		}
		left = append(left, name.Job)
	}
	slices.Sort(left)
	return left
}

func TestSweepEndpoints_TemporalIsTheJudge(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for _, job := range []string{"open", "endpoint-open", "never-known", "both-closed", "just-closed"} {
		a.rent("ours", job, time.Hour)
	}
	a.rent("ours", "late", -time.Hour)
	a.rent("theirs", "other", -time.Hour)
	temporal := executions{
		status: map[string]enumspb.WorkflowExecutionStatus{
			"open":          running,
			"endpoint-open": terminated, "endpoint/endpoint-open": running,
			"both-closed": terminated, "endpoint/both-closed": terminated,
			"just-closed": terminated, "endpoint/just-closed": terminated,
			"late": running,
		},
		closed: map[string]time.Time{
			"both-closed": time.Now().Add(-time.Hour), "endpoint/both-closed": time.Now().Add(-time.Hour),
			"just-closed": time.Now().Add(-time.Hour), "endpoint/just-closed": time.Now(),
		},
	}
	// Within the grace the youth of the endpoints protects all but the late one.
	done := a.sweep(temporal, time.Minute)
	if done.Ours != 6 || done.Foreign != 1 || done.Deleted != 1 || done.Kept != 5 {
		t.Errorf("within the grace: %+v", done)
	}
	// The endpoints are a moment old, which is more than this grace.
	done = a.sweep(temporal, time.Nanosecond)
	if want := []string{"endpoint-open", "open", "other"}; !slices.Equal(a.running(), want) {
		t.Errorf("running: %v, want %v", a.running(), want)
	}
	if done.Deleted != 3 || len(done.Endpoints) != 3 || len(done.Problems) != 0 || !slices.Equal(done.Providers, []string{"nebius"}) {
		t.Errorf("after the grace: %+v", done)
	}
}

// TestSweepEndpoints_TemporalFails: then only deadlines count, and it is told.
func TestSweepEndpoints_TemporalFails(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.rent("ours", "job", time.Hour)
	a.rent("ours", "late", -time.Hour)
	done := a.sweep(executions{err: serviceerror.NewUnavailable("no database")}, time.Nanosecond)
	if want := []string{"job"}; !slices.Equal(a.running(), want) {
		t.Errorf("running: %v, want %v", a.running(), want)
	}
	if len(done.Problems) != 2 || !strings.Contains(done.Problems[0], "describe workflow job: no database") {
		t.Errorf("problems %q", done.Problems)
	}
}

func TestSweepEndpoints_Accounts(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.providers["nebius"] = provider.Settings{}
	a.providers["static"] = provider.Settings{Token: "of a server whose address only jobs know"}
	if done := a.sweep(executions{}, 0); !done.NoProviders || len(done.Problems) != 0 {
		t.Errorf("no token: %+v", done)
	}
	a.providers["nebius"] = provider.Settings{Token: "secret", BaseURL: "not a URL"}
	if done := a.sweep(executions{}, 0); done.NoProviders || len(done.Problems) != 1 {
		t.Errorf("malformed settings: %+v", done)
	}
}

// TestSweepEndpoints_LongAccount: a history stays small whatever is found.
func TestSweepEndpoints_LongAccount(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for range workflows.SweepListed + 10 {
		a.rent("ours", "late", -time.Hour)
	}
	done := a.sweep(executions{}, 0)
	if done.Deleted != workflows.SweepListed+10 || len(done.Endpoints) != workflows.SweepListed {
		t.Errorf("%d deleted, %d listed", done.Deleted, len(done.Endpoints))
	}
}

// TestSweepEndpoints_NamedByAJob: what an earlier job left is spared while a
// job uses it that names it by its id.
func TestSweepEndpoints_NamedByAJob(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.rent("ours", "earlier", -time.Hour)
	id := a.cloud.Ledger().Running()[0].ID
	temporal := executions{status: map[string]enumspb.WorkflowExecutionStatus{"endpoint/nebius/" + id: running}}
	if done := a.sweep(temporal, time.Minute); done.Kept != 1 || done.Deleted != 0 {
		t.Errorf("while it is used: %+v", done)
	}
	temporal.status["endpoint/nebius/"+id] = terminated
	if done := a.sweep(temporal, time.Minute); done.Deleted != 1 {
		t.Errorf("afterwards: %+v", done)
	}
}
