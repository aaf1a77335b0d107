package workflows

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// world is what a Batch sees of everything around it: activities that answer
// at once, and an Endpoint that serves when asked and is off when dismissed.
type world struct {
	env *testsuite.TestWorkflowEnvironment
	mu  sync.Mutex // activities run beside each other

	claim    func(ClaimCall) (Claimed, error)
	reused   Reused
	plan     func() (Plan, error)
	check    func() error
	shard    func(ctx context.Context, call ShardCall) (ShardDone, error)
	asked    func(request EndpointRequest) // nil: serve at once
	endpoint string                        // run of Endpoint that is asked
	silent   bool                          // Endpoint never confirms
	asks     []int
	dismiss  []Dismissal
	missing  []string
	shards   []int
	batches  []Address
	batch    func() (ShardDone, error) // of a shard as a batch; nil: answered
	limits   jobs.Limits
	choices  []jobs.Endpoint // none: one
	requests []EndpointRequest
	reported *jobs.Report
	night    *Night
	notify   jobs.Notify
}

func (w *world) terms(jobs.Endpoint) Terms {
	return Terms{GPUs: 2, Price: jobs.Money{Amount: 6, Currency: "USD"}, PriceFrom: "the job file"}
}

// newEnvironment is a Temporal with a clock that skips what nobody waits for.
func newEnvironment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(30 * time.Second)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: time.Minute}) // a second is little on a busy machine
	return env
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{env: newEnvironment()}
	w.claim = func(ClaimCall) (Claimed, error) { return Claimed{URL: "s3://b/claim"}, nil }
	w.plan = func() (Plan, error) { return Plan{URL: "s3://b/plan.json", Requests: 300, Shards: 3}, nil }
	w.check = func() error { return nil }
	w.shard = func(_ context.Context, call ShardCall) (ShardDone, error) {
		return ShardDone{Shard: call.Shard, Completed: 99, Failed: 1, Usage: jobs.Usage{OutputTokens: 10}}, nil
	}
	w.env.RegisterWorkflow(Batch)
	for name, function := range map[string]any{
		ClaimOutput:     func(_ context.Context, call ClaimCall) (Claimed, error) { return w.claim(call) },
		ReuseResults:    func(context.Context, ReuseCall) (Reused, error) { return w.reused, nil },
		PlanInput:       func(context.Context, PlanCall) (Plan, error) { return w.plan() },
		CheckEndpoint:   func(_ context.Context, call CheckCall) (Terms, error) { return w.terms(call.Endpoint), w.check() },
		AskEndpoint:     w.askEndpoint,
		DismissEndpoint: w.dismissEndpoint,
		RunShardAsBatch: func(_ context.Context, call ShardCall) (ShardDone, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.batches = append(w.batches, call.Address)
			if w.batch != nil {
				return w.batch()
			}
			return ShardDone{Shard: call.Shard, Completed: 100}, nil
		},
		RunShard: func(ctx context.Context, call ShardCall) (ShardDone, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.shards = append(w.shards, call.Shard)
			return w.shard(ctx, call)
		},
		CollectResults: func(_ context.Context, call CollectCall) (Collected, error) {
			w.missing = append(w.missing, call.Missing)
			return Collected{Counts: jobs.Counts{Total: 300, Completed: 297, Failed: 3}}, nil
		},
		WriteReport: func(_ context.Context, report jobs.Report) error { w.reported = &report; return nil },
	} {
		w.env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
	return w
}

func (w *world) askEndpoint(_ context.Context, request EndpointRequest) (EndpointAsked, error) {
	w.asks = append(w.asks, request.Rental)
	w.requests = append(w.requests, request)
	if w.asked != nil {
		w.asked(request)
	} else {
		w.serve(request)
	}
	return EndpointAsked{Run: w.endpoint}, nil
}

func (w *world) serve(request EndpointRequest) {
	address := Address{Provider: "nebius", BaseURL: "http://gpu/v1", Model: "m"}
	if request.Endpoint.Mode == jobs.ProviderBatch {
		address = BatchAddress(request.Endpoint)
	}
	w.env.SignalWorkflow(RentalSignal, RentalNews{
		Number: request.Rental, Since: request.Since, Stage: Serving, Address: address,
		Rental: jobs.Rental{ID: "ep-1", Ready: time.Unix(1000, 0), GPUs: 1},
	})
}

func (w *world) dismissEndpoint(_ context.Context, dismissal Dismissal) error {
	w.dismiss = append(w.dismiss, dismissal)
	if !w.silent {
		w.release(dismissal.Request, dismissal.Reason)
	}
	return nil
}

func (w *world) release(request EndpointRequest, reason string) {
	w.env.SignalWorkflow(RentalSignal, RentalNews{
		Number: request.Rental, Since: request.Since, Stage: Released,
		Rental: jobs.Rental{ID: "ep-1", Name: "nightshift-x-job-1", Confirmed: time.Unix(2000, 0), Reason: reason},
	})
}

func (w *world) run(t *testing.T) (jobs.Report, error) {
	t.Helper()
	spec := jobs.Spec{
		Name: "job", Input: jobs.URLs{"s3://b/in.jsonl"}, Output: "s3://b/out/",
		Endpoint: jobs.Endpoint{Provider: "nebius", Model: "m", GPU: jobs.GPU{Type: "h100"}},
		Limits:   w.limits, Endpoints: w.choices, Notify: w.notify,
	}
	w.env.ExecuteWorkflow(Batch, BatchInput{Job: "job", Spec: spec.WithDefaults(), Night: w.night})
	if !w.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	err := w.env.GetWorkflowError()
	var report jobs.Report
	if err == nil {
		if err := w.env.GetWorkflowResult(&report); err != nil {
			t.Fatal(err)
		}
	}
	return report, err
}

// failedAs checks the type of the error that a job ended with and returns the
// report in its details.
func failedAs(t *testing.T, err error, want string) jobs.Report {
	t.Helper()
	failure, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || failure.Type() != want {
		t.Fatalf("ended with %v, want an error of type %s", err, want)
	}
	var report jobs.Report
	if err := failure.Details(&report); err != nil {
		t.Fatal(err)
	}
	return report
}

func TestBatch_Completes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if report.Outcome != jobs.Completed || report.Counts.Completed != 297 {
		t.Errorf("report = %+v", report)
	}
	if len(w.shards) != 3 || len(w.asks) != 1 || len(w.dismiss) != 1 {
		t.Errorf("%d shards, %d asks, %d dismissals", len(w.shards), len(w.asks), len(w.dismiss))
	}
	var phases []jobs.Phase
	for _, phase := range report.Phases {
		phases = append(phases, phase.Phase)
		if phase.End.IsZero() {
			t.Errorf("phase %s has no end", phase.Phase)
		}
	}
	want := []jobs.Phase{jobs.Planning, jobs.Warming, jobs.Running, jobs.Releasing, jobs.Collecting}
	if len(phases) != len(want) {
		t.Errorf("phases = %v, want %v", phases, want)
	}
	if w.reported == nil || w.reported.Outcome != jobs.Completed {
		t.Errorf("report.json = %+v", w.reported)
	}
}

func TestBatch_TellsAllThatIsWrongAndRentsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.plan = func() (Plan, error) {
		return Plan{}, temporal.NewNonRetryableApplicationError("line 7: not JSON", jobs.InvalidInput, nil)
	}
	w.check = func() error {
		return temporal.NewNonRetryableApplicationError("no such GPU; offered: a, b", jobs.EndpointRefused, nil)
	}
	_, err := w.run(t)
	report := failedAs(t, err, jobs.EndpointRefused)
	for _, want := range []string{"line 7: not JSON", "offered: a, b"} {
		if !strings.Contains(report.Reason, want) {
			t.Errorf("reason %q does not say %q", report.Reason, want)
		}
	}
	if w.reported == nil || w.reported.Reason != report.Reason || len(w.reported.Asked) != 1 {
		t.Errorf("the written report is %+v", w.reported)
	}
	if len(w.asks)+len(w.dismiss)+len(w.missing) != 0 {
		t.Errorf("rented or collected for a bad job: %d asks, %d dismissals, %d collections", len(w.asks), len(w.dismiss), len(w.missing))
	}
}

// TestBatch_RefusedAfterItsInputWasCounted: the report's counts add up.
func TestBatch_RefusedAfterItsInputWasCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.check = func() error {
		return temporal.NewNonRetryableApplicationError("no such GPU", jobs.EndpointRefused, nil)
	}
	_, err := w.run(t)
	if report := failedAs(t, err, jobs.EndpointRefused); report.Counts != (jobs.Counts{Total: 300, NeverRan: 300}) {
		t.Errorf("counts = %+v", report.Counts)
	}
}

func TestBatch_CancelledWhileWarming(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked = func(EndpointRequest) {} // warms for ever
	w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 3*time.Minute)
	_, err := w.run(t)
	w.endedCancelled(t, err)
	if len(w.shards) != 0 {
		t.Errorf("%d shards ran on an endpoint that never served", len(w.shards))
	}
}

func TestBatch_CancelledWhileRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shard = func(ctx context.Context, call ShardCall) (ShardDone, error) {
		if call.Shard == 0 {
			return ShardDone{Completed: 100}, nil
		}
		return ShardDone{}, activity.ErrResultPending
	}
	w.env.RegisterDelayedCallback(w.env.CancelWorkflow, time.Minute)
	_, err := w.run(t)
	w.endedCancelled(t, err)
}

// endedCancelled checks what holds for every cancelled job that had a plan.
func (w *world) endedCancelled(t *testing.T, err error) {
	t.Helper()
	cancelled, ok := errors.AsType[*temporal.CanceledError](err)
	if !ok {
		t.Fatalf("ended with %v, want cancelled", err)
	}
	var report jobs.Report
	if err := cancelled.Details(&report); err != nil {
		t.Fatal(err)
	}
	if report.Outcome != jobs.Cancelled || len(report.Rentals) != 1 || len(report.Unconfirmed()) != 0 {
		t.Errorf("report = %+v", report)
	}
	if len(w.dismiss) != 1 || len(w.missing) != 1 || w.missing[0] != "batch_cancelled" {
		t.Errorf("%d dismissals, collected with %q", len(w.dismiss), w.missing)
	}
}

func TestBatch_Expires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shard = func(context.Context, ShardCall) (ShardDone, error) { return ShardDone{}, activity.ErrResultPending }
	_, err := w.run(t)
	report := failedAs(t, err, jobs.DeadlineReached)
	if report.Outcome != jobs.Expired || w.missing[0] != "batch_expired" || len(report.Unconfirmed()) != 0 {
		t.Errorf("report = %+v, collected with %q", report, w.missing)
	}
}

func TestBatch_RentsAnewWhenTheEndpointIsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := false
	w.shard = func(_ context.Context, call ShardCall) (ShardDone, error) {
		if call.Shard == 1 && !lost {
			lost = true
			return ShardDone{}, temporal.NewNonRetryableApplicationError("gone", jobs.EndpointLost, nil)
		}
		return ShardDone{Shard: call.Shard, Completed: 100}, nil
	}
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rentals) != 2 || len(w.asks) != 2 || w.asks[1] != 2 {
		t.Errorf("%d rentals, asked for %v", len(report.Rentals), w.asks)
	}
	ran := map[int]bool{}
	for _, shard := range w.shards {
		ran[shard] = true
	}
	if len(ran) != 3 {
		t.Errorf("shards run: %v", w.shards)
	}
}

func TestBatch_GivesUpAnEndpointThatIsLostAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shard = func(context.Context, ShardCall) (ShardDone, error) {
		return ShardDone{}, temporal.NewNonRetryableApplicationError("gone", jobs.EndpointLost, nil)
	}
	_, err := w.run(t)
	report := failedAs(t, err, jobs.EndpointLost)
	if len(report.Rentals) != maxLost || w.missing[0] != "batch_failed" {
		t.Errorf("%d rentals, collected with %q", len(report.Rentals), w.missing)
	}
}

func TestBatch_RentsAgainWhatWasLostWhileItWarmedUp(t *testing.T) {
	t.Parallel()
	for losses := 1; losses <= maxLost; losses++ {
		w := newWorld(t)
		w.asked = func(request EndpointRequest) {
			if len(w.asks) <= losses {
				w.refuse(request, jobs.EndpointLost)
				return
			}
			w.serve(request)
		}
		report, err := w.run(t)
		if losses == maxLost {
			report = failedAs(t, err, jobs.EndpointLost)
		} else if err != nil {
			t.Fatal(err)
		}
		if want := min(losses+1, maxLost); len(report.Rentals) != want || len(w.asks) != want {
			t.Errorf("%d losses: %d rentals, asked for %v", losses, len(report.Rentals), w.asks)
		}
	}
}

func TestBatch_SaysLoudlyWhenTheEndIsNotConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.silent = true
	w.asked = func(request EndpointRequest) {
		ready := w.env.Now()
		w.env.SignalWorkflow(RentalSignal, RentalNews{Number: request.Rental, Since: request.Since, Stage: Serving, Rental: jobs.Rental{
			ID: "ep-1", Ready: ready, GPUs: 1, Meter: jobs.Meter{Steps: []jobs.Step{{At: ready, Replicas: 1}}, Until: ready},
		}})
	}
	_, err := w.run(t)
	report := failedAs(t, err, jobs.EndpointUnconfirmed)
	if billed := report.GPUSeconds(); billed < unconfirmedAfter.Seconds() {
		t.Errorf("an endpoint that ran to the end of the job is billed for %.0f s", billed)
	}
	if len(report.Unconfirmed()) != 1 || !strings.Contains(report.Reason, "endpoint/job") {
		t.Errorf("report = %+v", report)
	}
	if len(w.dismiss) < 2 {
		t.Errorf("dismissed %d times; should go on asking", len(w.dismiss))
	}
}

func TestBatch_AsksAgainWhileNobodyAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked = func(request EndpointRequest) {
		if len(w.asks) == 3 {
			w.serve(request)
		}
	}
	if _, err := w.run(t); err != nil {
		t.Fatal(err)
	}
	if len(w.asks) != 3 {
		t.Errorf("asked %d times", len(w.asks))
	}
}

func TestBatch_EndsWithTheEndpointsOwnReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked = func(request EndpointRequest) {
		w.env.SignalWorkflow(RentalSignal, RentalNews{
			Number: request.Rental, Since: request.Since, Stage: Released, ErrType: jobs.NoCapacity, ErrText: "no H100 to give",
			Rental: jobs.Rental{Confirmed: time.Unix(2000, 0)},
		})
	}
	_, err := w.run(t)
	if report := failedAs(t, err, jobs.NoCapacity); report.Reason != "no H100 to give" {
		t.Errorf("reason = %q", report.Reason)
	}
}

func TestBatch_TriesTheNextEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.choices = []jobs.Endpoint{{Provider: "nebius", Model: "a"}, {Provider: "together", Model: "b"}, {Provider: "lyceum", Model: "c"}}
	w.asked = func(request EndpointRequest) {
		switch request.Endpoint.Provider {
		case "nebius":
			w.refuse(request, jobs.NoCapacity)
		case "together":
			w.refuse(request, jobs.WarmupLimit)
		default:
			w.serve(request)
		}
	}
	report, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rentals) != 3 || report.Rentals[0].Reason != jobs.NoCapacity || report.Rentals[1].Reason != jobs.WarmupLimit || len(w.dismiss) != 1 {
		t.Errorf("%d dismissals, rentals %+v", len(w.dismiss), report.Rentals)
	}
}

// refuse ends a rental before it served, for an error of that type.
func (w *world) refuse(request EndpointRequest, kind string) {
	w.env.SignalWorkflow(RentalSignal, RentalNews{
		Number: request.Rental, Since: request.Since, Stage: Released, ErrType: kind, ErrText: kind + " of " + request.Endpoint.Provider,
		Rental: jobs.Rental{Confirmed: time.Unix(2000, 0), Reason: kind},
	})
}

func TestBatch_EndsWhenNoEndpointIsLeftToTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.choices = []jobs.Endpoint{{Provider: "nebius", Model: "a"}, {Provider: "together", Model: "b"}}
	w.asked = func(request EndpointRequest) { w.refuse(request, jobs.NoCapacity) }
	_, err := w.run(t)
	if report := failedAs(t, err, jobs.NoCapacity); report.Reason != "NoCapacity of together" || len(report.Rentals) != 2 {
		t.Errorf("reason %q, rentals %+v", report.Reason, report.Rentals)
	}
}

func TestBatch_ARefusalIsNoReasonToTryTheNextEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.choices = []jobs.Endpoint{{Provider: "nebius", Model: "a"}, {Provider: "together", Model: "b"}}
	w.asked = func(request EndpointRequest) { w.refuse(request, jobs.Unauthorized) }
	_, err := w.run(t)
	failedAs(t, err, jobs.Unauthorized)
}

func TestBatch_LimitsReachTheEndpoint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limits jobs.Limits
		want   Cap
	}{
		"minutes": {jobs.Limits{GPUMinutes: 10}, Cap{300, "limits.gpu_minutes of 10"}},
		"cost":    {jobs.Limits{Cost: jobs.Money{Amount: 1, Currency: "USD"}}, Cap{600, "limits.cost of 1.00 USD"}},
		"both":    {jobs.Limits{GPUMinutes: 100, Cost: jobs.Money{Amount: 1, Currency: "USD"}}, Cap{600, "limits.cost of 1.00 USD"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.limits = test.limits
			if _, err := w.run(t); err != nil {
				t.Fatal(err)
			}
			if got := w.requests[0].Cap; got == nil || *got != test.want {
				t.Errorf("cap %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestBatch_EndsAtALimitOfTheBill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limits = jobs.Limits{GPUMinutes: 10}
	w.shard = func(_ context.Context, call ShardCall) (ShardDone, error) {
		if call.Shard == 0 {
			w.env.SignalWorkflow(RentalSignal, RentalNews{Number: 1, Since: w.requests[0].Since, Stage: Serving, Capped: "limits.gpu_minutes of 10 is used up"})
		}
		return ShardDone{}, activity.ErrResultPending
	}
	_, err := w.run(t)
	report := failedAs(t, err, jobs.BudgetReached)
	if report.Outcome != jobs.Expired || w.missing[0] != "batch_expired" || !strings.Contains(report.Reason, "used up") || len(w.dismiss) == 0 {
		t.Errorf("%s for %q, collected with %q", report.Outcome, report.Reason, w.missing)
	}
}

func TestBatch_ContinuesAsNewWithTheEndpointServing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env.SetOnActivityCompletedListener(func(info *activity.Info, _ converter.EncodedValue, _ error) {
		if info.ActivityType.Name == RunShard {
			w.env.SetContinueAsNewSuggested(true)
		}
	})
	w.plan = func() (Plan, error) { return Plan{URL: "s3://b/plan.json", Requests: 90_000, Shards: 900}, nil }
	_, err := w.run(t)
	next, ok := errors.AsType[*workflow.ContinueAsNewError](err)
	if !ok {
		t.Fatalf("ended with %v, want continue-as-new", err)
	}
	if len(w.dismiss) != 0 {
		t.Error("the endpoint was dismissed between two runs")
	}
	if next.WorkflowType.Name != BatchWorkflow {
		t.Errorf("continues as %s", next.WorkflowType.Name)
	}
}
