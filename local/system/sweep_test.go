package system

import (
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/worker"
	"github.com/nightshift-run/nightshift/workflows"
)

// orphan creates an endpoint as a job of that name would, behind everybody's
// back, and returns its id.
func (f *fixture) orphan(installation, job string, left time.Duration) string {
	f.Helper()
	p, err := registry.Open("nebius", f.Providers()["nebius"])
	if err != nil {
		f.Fatal(err)
	}
	name := provider.Name{Installation: installation, Job: job, Deadline: time.Now().Add(left)}
	state, err := p.Create(f.Context(), name.String(), provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", Region: "eu-north1",
		GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		f.Fatal(err)
	}
	return state.ID
}

// sweepSchedule waits for the schedule with that interval.
func (f *fixture) sweepSchedule(every time.Duration) client.ScheduleHandle {
	f.Helper()
	handle := f.Client.ScheduleClient().GetHandle(f.Context(), workflows.SweepSchedule)
	deadline := time.After(patience)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		described, err := handle.Describe(f.Context())
		if err == nil && len(described.Schedule.Spec.Intervals) == 1 && described.Schedule.Spec.Intervals[0].Every == every {
			return handle
		}
		select {
		case <-deadline:
			f.Fatalf("no schedule with interval %s: %v", every, err)
		case <-ticker.C:
		}
	}
}

// sweepNow triggers the schedule, and returns what the run that it starts says.
func (f *fixture) sweepNow(handle client.ScheduleHandle) (done workflows.SweepDone) {
	f.Helper()
	if err := handle.Trigger(f.Context(), client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}); err != nil {
		f.Fatal(err)
	}
	deadline := time.After(patience)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		described, err := handle.Describe(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		if recent := described.Info.RecentActions; len(recent) > 0 {
			run := recent[len(recent)-1].StartWorkflowResult
			if err := f.Client.GetWorkflow(f.Context(), run.WorkflowID, run.FirstExecutionRunID).Get(f.Context(), &done); err != nil {
				f.Fatal(err)
			}
			f.keepSweep(run.WorkflowID)
			return done
		}
		select {
		case <-deadline:
			f.Fatal("the schedule started nothing")
		case <-ticker.C:
		}
	}
}

func TestSweep_ScheduleReleasesOrphans(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	f.process("worker")
	handle := f.sweepSchedule(worker.DefaultSweepEvery)
	installation, err := worker.Installation(t.Context(), f.Client, stack.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	late := f.orphan(installation, "job-nobody-knows", -time.Minute)
	young := f.orphan(installation, "job-just-created", time.Hour)
	theirs := f.orphan("theirs", "job-nobody-knows", -time.Hour)

	done := f.sweepNow(handle)
	if done.Deleted != 1 || len(done.Endpoints) != 1 || done.Endpoints[0].ID != late || done.Kept != 1 || done.Foreign != 1 {
		t.Errorf("swept: %+v", done)
	}
	var left []string
	for _, entry := range f.Cloud.Ledger().Running() {
		left = append(left, entry.ID)
	}
	if strings.Join(left, " ") != young+" "+theirs {
		t.Errorf("running: %v, want only %s and %s", left, young, theirs)
	}

	stdout, stderr, code := f.run("doctor", "--bucket", f.folder+"/", f.jobFile(f.spec(10)))
	for _, want := range []string{
		"namespace: default; its endpoints bear the installation " + installation,
		"control worker: 1 take tasks", "data worker: 1 take tasks", "sweep schedule: every 10m00s, last ", "completed",
		"multipart write s3://", "provider nebius: 2 endpoints",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("doctor does not say %q", want)
		}
	}
	if code != 0 || strings.Contains(stdout, "FAILED") {
		t.Errorf("doctor: exit code %d\n%s%s", code, stdout, stderr)
	}

	f.process("worker", "--role", "control", "--sweep-every", "20m")
	f.sweepSchedule(20 * time.Minute)
	if err := handle.Pause(t.Context(), client.SchedulePauseOptions{Note: "by a test"}); err != nil {
		t.Fatal(err)
	}
	stdout, _, code = f.run("doctor", "--namespace", "nowhere")
	if code != 1 || strings.Count(stdout, "FAILED") != 1 || !strings.Contains(stdout, "try: nightshift setup --namespace nowhere") {
		t.Errorf("doctor, no such namespace: exit code %d\n%s", code, stdout)
	}
	if stdout, _, code := f.run("doctor"); code != 1 || !strings.Contains(stdout, "FAILED  sweep schedule: paused: by a test") {
		t.Errorf("doctor, paused: exit code %d\n%s", code, stdout)
	}
}

// TestSweep_TwoInstallationsShareAnAccount: two Temporal servers with workers of
// their own rent from one account, and neither touches what the other has.
func TestSweep_TwoInstallationsShareAnAccount(t *testing.T) {
	t.Parallel()
	mine, theirs := newFixture(t, stack.Options{NoWorker: true}), newFixture(t, stack.Options{NoWorker: true})
	mine.process("worker")
	other := theirs.command("worker")
	for _, variable := range mine.Environment() {
		if strings.HasPrefix(variable[0], "NEBIUS_") {
			other.Env = append(other.Env, variable[0]+"="+variable[1])
		}
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(other) })
	mine.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.Status, Status: 503}) // so that it is still there
	spec := theirs.spec(50)
	id := theirs.submit(spec)
	mine.untilTrue("they rent an endpoint", func() bool { return len(mine.Cloud.Ledger().Running()) == 1 })

	done := mine.sweepNow(mine.sweepSchedule(worker.DefaultSweepEvery))
	if done.Foreign != 1 || done.Deleted != 0 || done.Kept != 0 {
		t.Errorf("swept: %+v", done)
	}
	names := map[*fixture]string{}
	for _, f := range []*fixture{mine, theirs} {
		name, err := worker.Installation(t.Context(), f.Client, stack.Namespace)
		if err != nil {
			t.Fatal(err)
		}
		names[f] = name
	}
	if stdout, stderr, code := mine.run("endpoints", "sweep", "--provider", "nebius", "--installation", names[mine]); code != 0 ||
		!strings.Contains(stdout, "of another installation, "+names[theirs]) {
		t.Errorf("sweep: exit code %d\n%s%s", code, stdout, stderr)
	}
	stdout, _, _ := mine.run("endpoints", "list", "--provider", "nebius", "--installation", names[mine])
	if !strings.Contains(stdout, id) || !strings.Contains(stdout, "installation "+names[theirs]) {
		t.Errorf("list:\n%s", stdout)
	}

	mine.Cloud.ClearFaults()
	theirs.completed(theirs.await(id))
	theirs.conserved(spec)
	mine.endpoints(1)
	mine.nothingRuns()
}
