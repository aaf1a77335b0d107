package workflows

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
)

// order sends an update at a time and returns what became of it.
func (w *world) order(at time.Duration, name string, args ...any) *updated {
	u := &updated{}
	w.env.RegisterDelayedCallback(func() { w.env.UpdateWorkflow(name, "", u, args...) }, at)
	return u
}

// updated is the answer to an update.
type updated struct {
	err error
	got Progress
}

func (u *updated) Accept()          {}
func (u *updated) Reject(err error) { u.err = err }
func (u *updated) Complete(result any, err error) {
	u.err = errors.Join(u.err, err)
	u.got, _ = result.(Progress)
}

// slowShard answers shards only once the world has been paused before: until
// then they are under way and can be cancelled.
func (w *world) slowShard(t *testing.T) {
	t.Helper()
	began := map[int]int{}
	w.shard = func(ctx context.Context, call ShardCall) (ShardDone, error) {
		if began[call.Shard]++; began[call.Shard] == 1 {
			return ShardDone{}, activity.ErrResultPending
		}
		return ShardDone{Shard: call.Shard, Completed: 100}, nil
	}
}

func (w *world) ask(t *testing.T) Progress {
	t.Helper()
	answer, err := w.env.QueryWorkflow(ProgressQuery)
	if err != nil {
		t.Fatal(err)
	}
	var progress Progress
	if err := answer.Get(&progress); err != nil {
		t.Fatal(err)
	}
	return progress
}

func phasesOf(report jobs.Report) (phases []jobs.Phase) {
	for _, phase := range report.Phases {
		phases = append(phases, phase.Phase)
	}
	return phases
}

func TestBatch_PausedWhileRunningKeepsTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slowShard(t)
	paused := w.order(time.Minute, PauseUpdate, Pause{})
	w.env.RegisterDelayedCallback(func() {
		now := w.ask(t)
		if now.Phase != jobs.Paused || !now.Paused || now.Open != 0 || len(w.dismiss) != 0 {
			t.Errorf("ten minutes after the pause: %+v, %d dismissals", now, len(w.dismiss))
		}
	}, 11*time.Minute)
	resumed := w.order(time.Hour, ResumeUpdate)
	report, err := w.run(t)
	if err := errors.Join(err, paused.err, resumed.err); err != nil {
		t.Fatal(err)
	}
	if len(w.asks) != 1 || len(w.dismiss) != 1 || len(w.shards) != 6 {
		t.Errorf("%d asks, %d dismissals, shards %v", len(w.asks), len(w.dismiss), w.shards)
	}
	want := []jobs.Phase{jobs.Planning, jobs.Warming, jobs.Running, jobs.Paused, jobs.Running, jobs.Releasing, jobs.Collecting}
	if got := phasesOf(report); !slices.Equal(got, want) {
		t.Errorf("phases = %v, want %v", got, want)
	}
}

func TestBatch_PausedWithReleaseRentsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slowShard(t)
	paused := w.order(time.Minute, PauseUpdate, Pause{Release: true})
	w.env.RegisterDelayedCallback(func() {
		if now := w.ask(t); now.Phase != jobs.Paused || len(w.dismiss) != 1 || w.dismiss[0].Reason != "the job is paused" {
			t.Errorf("ten minutes after the pause: %+v, dismissals %+v", now, w.dismiss)
		}
	}, 11*time.Minute)
	resumed := w.order(time.Hour, ResumeUpdate)
	report, err := w.run(t)
	if err := errors.Join(err, paused.err, resumed.err); err != nil {
		t.Fatal(err)
	}
	if len(w.asks) != 2 || len(w.dismiss) != 2 || len(report.Rentals) != 2 || len(w.shards) != 6 {
		t.Errorf("%d asks, %d dismissals, %d rentals, shards %v", len(w.asks), len(w.dismiss), len(report.Rentals), w.shards)
	}
}

func TestBatch_PausedEndsAsAnyOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		order Pause
	}{{"with its endpoint", Pause{}}, {"without one", Pause{Release: true}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.slowShard(t)
			w.order(time.Minute, PauseUpdate, c.order)
			w.env.RegisterDelayedCallback(w.env.CancelWorkflow, time.Hour)
			_, err := w.run(t)
			w.endedCancelled(t, err)
			if len(w.dismiss) != 1 {
				t.Errorf("%d dismissals", len(w.dismiss))
			}
		})
	}
}

func TestBatch_PausedBeforeItRentsRentsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := time.Duration(0)
	began := w.env.Now()
	w.asked = func(request EndpointRequest) {
		asked = w.env.Now().Sub(began)
		w.serve(request)
	}
	w.env.RegisterDelayedCallback(func() { w.env.UpdateWorkflow(PauseUpdate, "", &updated{}, Pause{}) }, 0)
	w.order(time.Hour, ResumeUpdate)
	if _, err := w.run(t); err != nil {
		t.Fatal(err)
	}
	if asked < time.Hour || len(w.asks) != 1 {
		t.Errorf("asked for an endpoint %d times, after %s", len(w.asks), asked)
	}
}

func TestBatch_PausedWithReleaseWhileWarmingGivesUpTheEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked = func(request EndpointRequest) {
		if request.Rental > 1 {
			w.serve(request)
		}
	}
	w.order(time.Minute, PauseUpdate, Pause{Release: true})
	w.order(time.Hour, ResumeUpdate)
	if _, err := w.run(t); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.asks, []int{1, 2}) || len(w.dismiss) != 2 || len(w.shards) != 3 {
		t.Errorf("asks %v, %d dismissals, shards %v", w.asks, len(w.dismiss), w.shards)
	}
}

func TestBatch_LosesItsEndpointInAPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slowShard(t)
	w.order(time.Minute, PauseUpdate, Pause{})
	w.env.RegisterDelayedCallback(func() { w.release(w.requests[0], "stopped for being idle") }, 30*time.Minute)
	w.order(time.Hour, ResumeUpdate)
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.asks, []int{1, 2}) || len(report.Rentals) != 2 {
		t.Errorf("asks %v, %d rentals", w.asks, len(report.Rentals))
	}
}

func TestBatch_RefusesOrdersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slowShard(t)
	w.silent = true // stays in releasing
	idle := w.order(30*time.Second, ResumeUpdate)
	w.order(time.Minute, PauseUpdate, Pause{})
	w.order(2*time.Minute, ResumeUpdate)
	late := w.order(4*time.Minute, PauseUpdate, Pause{})
	_, err := w.run(t)
	failedAs(t, err, jobs.EndpointUnconfirmed)
	for name, order := range map[string]*updated{"resume of what runs": idle, "pause of what is answered": late} {
		if refusal, ok := errors.AsType[*temporal.ApplicationError](order.err); !ok || refusal.Type() != jobs.OrderRefused {
			t.Errorf("%s: %v", name, order.err)
		}
	}
}

// TestBatch_SetsAside: what a cancelled shard sent was no idle time. The
// workflow environment keeps the details of no cancelled activity, so the
// function is asked.
func TestBatch_SetsAside(t *testing.T) {
	t.Parallel()
	done := ShardDone{Completed: 40, Failed: 1, Sent: Sent{First: time.Unix(1001, 0).UTC(), Last: time.Unix(1009, 0).UTC()}}
	var b batch
	b.setAside(temporal.NewCanceledError(done))
	b.setAside(temporal.NewCanceledError()) // had not begun
	b.setAside(errors.New("lost"))
	counts, _ := b.counts()
	if counts.Completed != 40 || counts.Failed != 1 || b.state.Sent != done.Sent {
		t.Errorf("counts %+v, sent %+v", counts, b.state.Sent)
	}
}
