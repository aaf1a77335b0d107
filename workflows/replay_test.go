package workflows

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/internal/golden"
)

// TestReplay replays saved histories of real runs: a change that would break
// jobs under way fails here. Histories are added when behaviour is added, by the
// tests of local/system, and the old ones stay.
func TestReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(histories) == 0 {
		t.Fatalf("no histories to replay: %v", err)
	}
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(Batch, workflow.RegisterOptions{Name: BatchWorkflow})
	replayer.RegisterWorkflowWithOptions(Endpoint, workflow.RegisterOptions{Name: EndpointWorkflow})
	replayer.RegisterWorkflowWithOptions(Sweep, workflow.RegisterOptions{Name: SweepWorkflow})
	replayer.RegisterWorkflowWithOptions(Nightly, workflow.RegisterOptions{Name: NightlyWorkflow})
	replayer.RegisterWorkflowWithOptions(Notify, workflow.RegisterOptions{Name: NotifyWorkflow})
	for _, history := range histories {
		t.Run(filepath.Base(history), func(t *testing.T) {
			t.Parallel()
			logger := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
			if err := replayer.ReplayWorkflowHistoryFromJSONFile(logger, history); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestShapes compares the JSON of every input, result and signal with what
// older workers wrote: fields are added, never changed. Run with -update after
// adding one.
func TestShapes(t *testing.T) {
	t.Parallel()
	golden.Check(t, "testdata/shapes.json", []byte(shapes(t)))
}

// TestNames lists what lives on in histories by name: none may be renamed.
func TestNames(t *testing.T) {
	t.Parallel()
	got := strings.Join([]string{
		BatchWorkflow, EndpointWorkflow, ControlQueue, DataQueue, EndpointID("job"),
		AskSignal, DismissSignal, RentalSignal, ProgressQuery, PauseUpdate, ResumeUpdate, showsProvider,
		CheckEndpoint, PlanInput, AskEndpoint, DismissEndpoint, CreateEndpoint, AwaitEndpoint,
		WatchOwner, ReleaseEndpoint, RunShard, RunShardAsBatch, CollectResults, WriteReport,
		SweepWorkflow, SweepSchedule, SweepEndpoints, ClaimOutput, ReuseResults, claimChange,
		NightlyWorkflow, NotifyWorkflow, SendNotice, NightlyID("id"), NotifyID("job"), WatchEndpoint, SharingQuery,
	}, " ")
	const want = "Batch Endpoint nightshift-control nightshift-data endpoint/job " +
		"ask dismiss rental progress pause resume shows-provider " +
		"CheckEndpoint PlanInput AskEndpoint DismissEndpoint CreateEndpoint AwaitEndpoint " +
		"WatchOwner ReleaseEndpoint RunShard RunShardAsBatch CollectResults WriteReport " +
		"Sweep nightshift-sweep SweepEndpoints ClaimOutput ReuseResults claim-output " +
		"Nightly Notify SendNotice nightly/id notify/job WatchEndpoint sharing"
	if got != want {
		t.Errorf("names are\n%s, want\n%s", got, want)
	}
}
