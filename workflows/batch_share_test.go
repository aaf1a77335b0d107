package workflows

import (
	"context"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
)

// newSharer is a world whose endpoint is shared. watched is the WatchEndpoint
// activity; run is that of the Endpoint which answers.
func newSharer(t *testing.T, watched func(GuardCall) error) (w *world, run *string) {
	t.Helper()
	w = newWorld(t)
	w.endpoint, run = "first", &w.endpoint
	w.choices = []jobs.Endpoint{{Provider: "nebius", Model: "m", Share: jobs.Share{Name: "chat"}}}
	w.env.RegisterActivityWithOptions(func(_ context.Context, call GuardCall) error { return watched(call) },
		activity.RegisterOptions{Name: WatchEndpoint})
	w.asked = func(request EndpointRequest) { w.tell(request, RentalNews{Stage: Serving, Run: *run}) }
	return w, run
}

func (w *world) tell(request EndpointRequest, news RentalNews) {
	news.Number, news.Since, news.Journal = request.Rental, request.Since, "s3://b/out/"
	news.Rental.ID, news.Rental.Shared = "ep-1", &jobs.Shared{Name: "chat", From: w.env.Now()}
	w.env.SignalWorkflow(RentalSignal, news)
}

func guardOpen(GuardCall) error { return errOpen }

func TestBatch_ReturnsItsShare(t *testing.T) {
	t.Parallel()
	w, _ := newSharer(t, guardOpen)
	w.silent = true
	w.shard = func(_ context.Context, call ShardCall) (ShardDone, error) {
		w.env.RegisterDelayedCallback(func() {
			shared := &jobs.Shared{Name: "chat", Left: w.env.Now(), With: []string{"other"}}
			w.env.SignalWorkflow(RentalSignal, RentalNews{
				Number: 1, Since: w.requests[0].Since, Stage: Returned, Run: "first", Rental: jobs.Rental{ID: "ep-1", Shared: shared},
			})
		}, time.Minute)
		return ShardDone{Shard: call.Shard, Completed: 100}, nil
	}
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rentals) != 1 || !report.Rentals[0].Returned() || len(report.Unconfirmed()) != 0 {
		t.Errorf("rentals = %+v", report.Rentals)
	}
}

// TestBatch_AsksAgainForItsShare when the Endpoint was ended by hand: the new one
// is told where the journal lies, and the job goes on sending meanwhile.
func TestBatch_AsksAgainForItsShare(t *testing.T) {
	t.Parallel()
	looked := map[string]int{}
	w, run := newSharer(t, func(call GuardCall) error {
		if call.Workflow != EndpointID((jobs.Spec{Endpoints: []jobs.Endpoint{{Provider: "nebius", Model: "m", Share: jobs.Share{Name: "chat"}}}}).WithDefaults().Endpoints[0].SharedID()) {
			t.Errorf("watches %s", call.Workflow)
		}
		if looked[call.Run]++; call.Run == "first" && looked[call.Run] > 2 {
			return nil
		}
		return errOpen
	})
	w.asked = func(request EndpointRequest) {
		if len(w.asks) == 1 {
			w.tell(request, RentalNews{Stage: Serving, Run: *run})
			return
		}
		*run = "second"
		w.tell(request, RentalNews{Stage: Asked, Run: *run})
		w.tell(request, RentalNews{Stage: Created, Run: *run})
		w.tell(request, RentalNews{Stage: Serving, Run: *run})
	}
	w.shard = func(ctx context.Context, call ShardCall) (ShardDone, error) {
		token := activity.GetInfo(ctx).TaskToken
		w.env.RegisterDelayedCallback(func() {
			if err := w.env.CompleteActivity(token, ShardDone{Shard: call.Shard, Completed: 100}, nil); err != nil {
				t.Error(err)
			}
		}, 2*time.Minute)
		return ShardDone{}, activity.ErrResultPending
	}
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.asks) != 2 || w.requests[1].Journal != "s3://b/out/" || w.requests[0].Journal != "" || w.requests[1].Rental != 1 {
		t.Errorf("asked %+v", w.requests)
	}
	if looked["second"] == 0 {
		t.Error("does not watch the new one")
	}
	if len(w.shards) != 3 || len(report.Rentals) != 1 {
		t.Errorf("%d attempts at shards, rentals %+v", len(w.shards), report.Rentals)
	}
}

// TestBatch_AsksAgainForWhatNeverAnswered: the Endpoint is ended by hand before
// the job has heard anything of it.
func TestBatch_AsksAgainForWhatNeverAnswered(t *testing.T) {
	t.Parallel()
	w, run := newSharer(t, func(call GuardCall) error {
		if call.Run == "first" {
			return nil
		}
		return errOpen
	})
	var asked []time.Time
	w.asked = func(request EndpointRequest) {
		if asked = append(asked, w.env.Now()); len(asked) == 2 {
			*run = "second"
			w.tell(request, RentalNews{Stage: Serving, Run: *run})
		}
	}
	if _, err := w.run(t); err != nil {
		t.Fatal(err)
	}
	if len(asked) != 2 || asked[1].Sub(asked[0]) > time.Minute {
		t.Errorf("asked at %v", asked)
	}
}

// TestBatch_RetiredIsNotLost: however often it happens, the job goes on.
func TestBatch_RetiredIsNotLost(t *testing.T) {
	t.Parallel()
	w, run := newSharer(t, guardOpen)
	w.shard = func(_ context.Context, call ShardCall) (ShardDone, error) {
		last := w.requests[len(w.requests)-1]
		if last.Rental <= maxLost+1 {
			w.tell(last, RentalNews{Stage: Serving, Run: *run, Retired: "its lifetime of 1h is over"})
			return ShardDone{}, temporal.NewCanceledError(ShardDone{})
		}
		return ShardDone{Shard: call.Shard, Completed: 100}, nil
	}
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rentals) != maxLost+2 || report.Outcome != jobs.Completed {
		t.Errorf("%d rentals, %s", len(report.Rentals), report.Outcome)
	}
	if i := slices.IndexFunc(w.dismiss, func(d Dismissal) bool { return d.Reason != "its lifetime of 1h is over" }); i < maxLost+1 {
		t.Errorf("dismissal %d says %q", i, w.dismiss[i].Reason)
	}
}

// TestBatch_AnotherWasImpatient: a rental that ended by another job's warm-up
// limit is asked for again while the job's own is not over.
func TestBatch_AnotherWasImpatient(t *testing.T) {
	t.Parallel()
	w, run := newSharer(t, guardOpen)
	w.asked = func(request EndpointRequest) {
		if request.Rental == 1 {
			w.tell(request, RentalNews{Stage: Released, Run: *run, ErrType: jobs.WarmupLimit, ErrText: "no answer within limits.warmup"})
			return
		}
		w.tell(request, RentalNews{Stage: Serving, Run: *run})
	}
	report, err := w.run(t)
	if err != nil || len(report.Rentals) != 2 {
		t.Errorf("rentals %+v, %v", report.Rentals, err)
	}
}
