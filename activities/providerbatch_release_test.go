package activities

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// release runs ReleaseEndpoint once, as the Endpoint of the world's job does.
func (w *batchWorld) release(tell bool) (released workflows.EndpointReleased, err error) {
	endpoints := &Endpoints{Providers: Providers{w.dialect.Name: settingsOf(w)}, Store: w.store}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(48 * time.Hour)
	env.RegisterActivityWithOptions(endpoints.ReleaseEndpoint, activity.RegisterOptions{Name: workflows.ReleaseEndpoint})
	value, err := env.ExecuteActivity(workflows.ReleaseEndpoint, workflows.ReleaseCall{
		Job: "job", Output: w.base + "/out/", Tell: tell,
		Endpoint: jobs.Endpoint{Provider: w.dialect.Name, Model: "routed", Mode: jobs.ProviderBatch},
	})
	if err != nil {
		return released, err
	}
	return released, value.Get(&released)
}

// killed has the shard's worker die after so long, so that nobody of the job
// is left, and returns its plan.
func (w *batchWorld) killed(at string, before bool) workflows.Plan {
	w.Helper()
	plan := w.plan(batchInput(20))
	through := newGate("POST", at, before)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = w.attempt(w.newEnv(w.Context(), through), plan) // nobody hears of it
	}()
	<-through.reached
	w.Cleanup(func() { // before the bucket's folder is removed
		close(through.thaw)
		<-ended
	})
	return plan
}

// TestReleaseEndpoint_EndsBatches of a job whose workers are dead, whatever they
// were at.
func TestReleaseEndpoint_EndsBatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		at     string // the call in which the worker died
		before bool
		steps  []string
		found  int
	}{
		{"before a file was uploaded", "/files", true, nil, 0},
		{"before the batch was asked for", "/batches", true, []string{"uploaded", "creating"}, 1},
		{"before the answer came", "/batches", false, []string{"uploaded", "creating", "created", "cancelling"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachDialect(t, sim.BatchOptions{Run: time.Hour}, func(w *batchWorld) {
				w.killed(c.at, c.before)
				released, err := w.release(true)
				if err != nil || len(released.Open) != 0 || released.Found != c.found || released.How == "" || released.Confirmed.IsZero() {
					w.Errorf("released %+v, %v", released, err)
				}
				w.wantSteps(c.steps...)
				if running := w.cloud.Ledger().RunningBatches(); len(running) > 0 {
					w.Errorf("still running: %+v", running)
				}
			})
		})
	}
}

// TestReleaseEndpoint_TellsOfBatchesThatDoNotEnd, then goes on until they do.
func TestReleaseEndpoint_TellsOfBatchesThatDoNotEnd(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{Run: time.Hour}, func(w *batchWorld) {
		w.killed("/batches", false)
		w.cloud.Inject(sim.Fault{Op: sim.OpBatchCancel, Kind: sim.Status})
		released, err := w.release(true)
		id := w.cloud.Ledger().Batches[0].ID
		if err != nil || !slices.Equal(released.Open, []string{id}) || !released.Confirmed.IsZero() {
			w.Errorf("released %+v, %v", released, err)
		}
		_, err = w.release(false)
		w.endedAs(err, jobs.Temporary, id, w.dialect.Name)
		w.cloud.ClearFaults()
		if released, err = w.release(false); err != nil || released.Confirmed.IsZero() || released.StopAsked.IsZero() {
			w.Errorf("released %+v, %v", released, err)
		}
	})
}

// TestReleaseEndpoint_LosesNoAnswer: a job that is reset after its batches were
// cancelled goes on from what they had answered.
func TestReleaseEndpoint_LosesNoAnswer(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.killed("/batches", false)
		time.Sleep(11 * time.Second)
		if _, err := w.release(false); err != nil {
			w.Fatal(err)
		}
		_, paid := w.paid()
		done, err := w.finish(plan)
		if batches, requests := w.paid(); err != nil || done.Completed != 18 || paid == 0 || batches != 2 || requests != 20 {
			w.Errorf("done %+v, %v: %d batches answered %d requests, the first %d", done, err, batches, requests, paid)
		}
		w.conserved(plan, "", 2)
	})
}

// TestReleaseEndpoint_FencesUploadedFiles: a worker that was frozen makes no
// batch once the job is over.
func TestReleaseEndpoint_FencesUploadedFiles(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{Run: time.Hour}, func(w *batchWorld) {
		plan := w.plan(batchInput(20))
		frozen := newFrozenStore(w, plan)
		released, err := w.release(false)
		if err != nil || released.Found != 0 {
			w.Errorf("released %+v, %v", released, err)
		}
		w.wantSteps("uploaded", "ended")
		if err := frozen(); err == nil || len(w.cloud.Ledger().Batches) != 0 {
			w.Errorf("the frozen worker ended with %v, and there are batches: %+v", err, w.cloud.Ledger().Batches)
		}
	})
}

// newFrozenStore leaves the journal as a worker does that has uploaded and not
// yet asked for the batch; the returned function has it go on.
func newFrozenStore(w *batchWorld, plan workflows.Plan) (thaw func() error) {
	w.Helper()
	work := workspaceOfPlan(plan.URL)
	journal := func() *batchJournal {
		return &batchJournal{store: w.store, entry: func(number int) string { return work.batchEntry(0, w.dialect.Name, number) }}
	}
	old := journal()
	if err := old.append(w.Context(), batchEntry{Step: batchUploaded, Input: "file-1"}); err != nil {
		w.Fatal(err)
	}
	return func() error {
		err := old.append(w.Context(), batchEntry{Step: batchCreating, Input: "file-1"})
		if !errors.Is(err, errOvertaken) || old.last.Step != batchEnded {
			w.Errorf("after the release it could still write: %v, %+v", err, old.last)
		}
		return err
	}
}
