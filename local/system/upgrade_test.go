package system

import (
	"context"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/cli"
)

const deployment = "nightshift"

// version starts a control and a data worker of one version, and makes it the
// current one once Temporal knows both.
func (f *fixture) version(build string) (workers []*exec.Cmd) {
	f.Helper()
	for _, role := range []string{"control", "data"} {
		workers = append(workers, f.process("worker", "--role", role, "--deployment-name", deployment, "--build-id", build))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	handle := f.Client.WorkerDeploymentClient().GetHandle(deployment)
	for {
		described, err := handle.DescribeVersion(ctx, client.WorkerDeploymentDescribeVersionOptions{BuildID: build})
		if err == nil && len(described.Info.TaskQueuesInfos) >= 4 { // control twice: workflows and activities
			_, err = handle.SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
			if err == nil {
				return workers
			}
		}
		select {
		case <-ctx.Done():
			f.Fatalf("version %s does not become current: %v", build, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// TestUpgrade_JobUnderWay: a job that began under one version of the workers
// goes on under the next, whose workers take over when those of the old one are
// stopped; its guard does too.
func TestUpgrade_JobUnderWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	old := f.version("v1")
	spec := f.spec(1500)
	id := f.submit(spec)
	ended := f.watch(id, func(s cli.Snapshot) bool { return s.Counts.Done() > 300 }, func() {
		f.version("v2")
		for _, worker := range old {
			if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		}
		for _, worker := range old {
			if err := worker.Wait(); err != nil {
				t.Errorf("a stopped worker: %v", err)
			}
		}
	})
	f.completed(ended)
	if kinds := f.conserved(spec); kinds["ok"] != 1500 {
		t.Errorf("result lines: %v", kinds)
	}
	for _, workflow := range []string{id, "endpoint/" + id} {
		if steps := slices.Compact(f.versions(workflow)); steps[0] != "v1" || steps[len(steps)-1] != "v2" {
			t.Errorf("%s went through versions %v", workflow, steps)
		}
	}
	f.endpoints(1)
	f.nothingRuns()
}

// versions are those of the workers that took each step of a workflow.
func (f *fixture) versions(workflow string) (steps []string) {
	f.Helper()
	events := f.Client.GetWorkflowHistory(context.Background(), workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			f.Fatal(err)
		}
		if completed := event.GetWorkflowTaskCompletedEventAttributes(); completed != nil {
			steps = append(steps, completed.GetDeploymentVersion().GetBuildId())
		}
	}
	if len(steps) == 0 {
		f.Fatalf("%s has no steps", workflow)
	}
	return steps
}
