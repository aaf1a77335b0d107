package system

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestJob_Completes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	spec := f.spec(500)
	spec.Endpoint.PricePerGPUHour = jobs.Money{Amount: 3.6, Currency: "USD"}
	report := f.completed(f.await(f.submit(spec)))
	if kinds := f.conserved(spec); kinds["ok"] != 500 {
		t.Errorf("result lines: %v", kinds)
	}
	if report.Counts.Completed != 500 || report.Usage.OutputTokens == 0 || len(report.Files) != 1 {
		t.Errorf("report = %+v", report)
	}
	ledger := f.Cloud.Ledger()
	if off := ledger.Total.GPUSeconds - report.GPUSeconds(); off < -1 || off > 1 {
		t.Errorf("the report says %.2f GPU seconds, the ledger %.2f", report.GPUSeconds(), ledger.Total.GPUSeconds)
	}
	if ledger.Data.RepeatedBodies != 0 {
		t.Errorf("%d requests were sent twice", ledger.Data.RepeatedBodies)
	}
	f.endpoints(1)
	f.nothingRuns()
}

func TestJob_CancelledInEachPhase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		phase   jobs.Phase
		moment  func(cli.Snapshot) bool
		fault   sim.Fault
		results bool // the job got as far as having a plan
		full    bool // every line was answered all the same
	}{
		{name: "planning", phase: jobs.Planning, moment: in(jobs.Planning), fault: sim.Fault{Op: "templates", Kind: sim.Slow, Delay: 3 * time.Second, Count: 1}},
		{name: "creating", phase: jobs.Warming, moment: in(jobs.Warming), fault: sim.Fault{Op: "create", Kind: sim.Slow, Delay: 3 * time.Second, Count: 1}, results: true},
		{name: "warming", phase: jobs.Warming, moment: func(s cli.Snapshot) bool { return s.Stage == workflows.Created }, results: true},
		{name: "running", phase: jobs.Running, moment: halfway, results: true},
		{name: "releasing", phase: jobs.Releasing, moment: in(jobs.Releasing), fault: sim.Fault{Op: "delete", Kind: sim.Status, Status: 500, Count: 5}, results: true, full: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			options := stack.Options{Cloud: sim.Options{WarmUp: 2 * time.Second, Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 16}}}
			if c.phase == jobs.Running { // long enough for the cancellation to come in time on a busy machine
				options.Cloud.Model.TimeToFirstToken = 400 * time.Millisecond
			}
			f := newFixture(t, options)
			if c.fault.Kind != "" {
				f.Cloud.Inject(c.fault)
			}
			spec := f.spec(400)
			id := f.submit(spec)
			ended := f.watch(id, c.moment, func() {
				if err := f.Client.CancelWorkflow(context.Background(), id, ""); err != nil {
					t.Error(err)
				}
			})
			if ended.report == nil || ended.report.Outcome != jobs.Cancelled {
				t.Fatalf("ended with %+v, %v", ended.report, ended.err)
			}
			f.nothingRuns()
			if got := f.status(id); got != enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED {
				t.Errorf("Temporal shows %s", got)
			}
			if !c.results {
				f.endpoints(0)
				return
			}
			kinds := f.conserved(spec)
			if kinds["ok"]+kinds["batch_cancelled"] != 400 || (c.full && kinds["ok"] != 400) {
				t.Errorf("result lines: %v", kinds)
			}
			if c.phase == jobs.Running && (kinds["ok"] == 0 || kinds["batch_cancelled"] == 0) {
				t.Errorf("cancelled while running: %v", kinds)
			}
		})
	}
}

func (f *fixture) status(id string) enumspb.WorkflowExecutionStatus {
	f.Helper()
	description, err := f.Client.DescribeWorkflowExecution(context.Background(), id, "")
	if err != nil {
		f.Fatal(err)
	}
	return description.GetWorkflowExecutionInfo().GetStatus()
}

// endpointEnded waits until the job's Endpoint has confirmed its release, and
// returns how long that took.
func (f *fixture) endpointEnded(id string, since time.Time) time.Duration {
	f.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for len(f.Cloud.Ledger().Running()) > 0 {
		select {
		case <-deadline:
			f.Fatal("the endpoint was never released")
		case <-ticker.C:
		}
	}
	return time.Since(since)
}

func TestJob_TerminatedReleasesWithinAMinute(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 200 * time.Millisecond, MaxStreams: 8}}})
	id := f.submit(f.spec(2000))
	var since time.Time
	ended := f.watch(id, halfway, func() {
		since = time.Now()
		if err := f.Client.TerminateWorkflow(context.Background(), id, "", "by hand"); err != nil {
			t.Error(err)
		}
	})
	if ended.err == nil || !strings.Contains(ended.err.Error(), "was terminated") || !strings.Contains(ended.err.Error(), "nightshift retry "+id) {
		t.Errorf("a person is told: %v", ended.err)
	}
	if took := f.endpointEnded(id, since); took > time.Minute {
		t.Errorf("released %s after the job was terminated", took)
	}
	f.endpoints(1)
}

func TestJob_CreateReplyLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: "create", Kind: sim.LostReply, Count: 1})
	spec := f.spec(100)
	f.completed(f.await(f.submit(spec)))
	f.conserved(spec)
	f.endpoints(1)
	f.nothingRuns()
}

func TestJob_EndpointLostIsRentedAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 16}}})
	spec := f.spec(600)
	ended := f.watch(f.submit(spec), halfway, func() {
		f.Cloud.Inject(sim.Fault{Op: "chat", Kind: sim.Vanish, Count: 1})
	})
	report := f.completed(ended)
	if kinds := f.conserved(spec); kinds["ok"] != 600 {
		t.Errorf("result lines: %v", kinds)
	}
	if len(report.Rentals) != 2 {
		t.Errorf("%d rentals, want the one that was lost and another", len(report.Rentals))
	}
	f.endpoints(2)
	f.nothingRuns()
}

func TestJob_DeleteFailsFiveTimes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: "delete", Kind: sim.Status, Status: 500, Count: 5})
	spec := f.spec(100)
	report := f.completed(f.await(f.submit(spec)))
	f.nothingRuns() // the very moment that the job says completed
	if calls := f.Cloud.Ledger().Calls["delete"]; calls < 6 {
		t.Errorf("%d deletes, want the five that failed and one more", calls)
	}
	if report.Rentals[0].ConfirmHow == "" {
		t.Error("the report does not say how the end was confirmed")
	}
	f.conserved(spec)
}

func TestJob_BadInputRentsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	spec := f.spec(1)
	good := `{"custom_id":"%s","method":"POST","url":"%s","body":{"model":"m","messages":[]}}`
	f.put(spec.Input[0], []byte(strings.Join([]string{
		fmt.Sprintf(good, "a", "/v1/chat/completions"),
		`{"custom_id": broken`,
		fmt.Sprintf(good, "a", "/v1/chat/completions"),
		`{"method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}`,
		fmt.Sprintf(good, "b", "/v1/embeddings"),
	}, "\n")))
	stdout, stderr, code := f.run("run", f.jobFile(spec))
	for _, want := range []string{
		":2: invalid_json_line:", ":3: duplicate_custom_id:", ":4: missing_required_parameter:", ":5: url_mismatch:",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the output does not say %q:\n%s\n%s", want, stdout, stderr)
		}
	}
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	f.put(spec.Input[0], nil)
	if stdout, _, code := f.run("run", f.jobFile(spec)); code != 2 || !strings.Contains(stdout, "empty_file") {
		t.Errorf("empty file: exit code %d\n%s", code, stdout)
	}
	f.endpoints(0)
}

// jobFile writes a job file for the spec.
func (f *fixture) jobFile(spec jobs.Spec) string {
	f.Helper()
	path := filepath.Join(f.TempDir(), "job.yaml")
	text := fmt.Sprintf("name: %s\ninput: %s\noutput: %s\nendpoint:\n  provider: %s\n  model: %s\n  flavor: %s\n  gpu: {type: %s, count: %d}\n  region: %s\n",
		spec.Name, spec.Input[0], spec.Output, spec.Endpoint.Provider, spec.Endpoint.Model, spec.Endpoint.Flavor,
		spec.Endpoint.GPU.Type, spec.Endpoint.GPU.Count, spec.Endpoint.Region)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	return path
}

func TestJob_ShapeNotOfferedRentsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	for name, c := range map[string]struct {
		change func(*jobs.Endpoint)
		want   []string
	}{
		"model":  {func(e *jobs.Endpoint) { e.Model = "openai/gpt-oss-120" }, []string{"openai/gpt-oss-120b"}},
		"gpu":    {func(e *jobs.Endpoint) { e.GPU.Type = "gpu-h100" }, []string{"gpu-h100-sxm"}},
		"region": {func(e *jobs.Endpoint) { e.Region = "mars" }, []string{"eu-north1"}},
	} {
		spec := f.spec(10)
		c.change(&spec.Endpoint)
		stdout, stderr, code := f.run("run", f.jobFile(spec))
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: the output does not name %q:\n%s\n%s", name, want, stdout, stderr)
			}
		}
		if code != 2 {
			t.Errorf("%s: exit code %d, want 2", name, code)
		}
	}
	f.endpoints(0)
}

func TestJob_WrongTokenIsToldOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	worker := f.command("worker")
	worker.Env = append(worker.Env, "NEBIUS_API_KEY=wrong")
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(worker) })
	stdout, _, code := f.run("run", f.jobFile(f.spec(10)))
	if code != 2 || !strings.Contains(stdout, "401") || strings.Contains(stdout, "wrong\"") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	if calls := f.Cloud.Ledger().Calls["templates"]; calls != 1 {
		t.Errorf("the catalogue was asked for %d times", calls)
	}
	f.endpoints(0)
}

func TestJob_RefusedRequestsAreErrorLines(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: "chat", Kind: sim.Status, Status: http.StatusBadRequest, Every: 10})
	spec := f.spec(200)
	report := f.completed(f.await(f.submit(spec)))
	kinds := f.conserved(spec)
	if kinds["refused"] != int(report.Counts.Failed) || kinds["refused"] < 15 || kinds["ok"] != int(report.Counts.Completed) {
		t.Errorf("result lines: %v, counts %+v", kinds, report.Counts)
	}
	f.nothingRuns()
}
