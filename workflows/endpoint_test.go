package workflows

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// account is a provider's account as an Endpoint sees it, with an owner who
// hears its news.
type account struct {
	env *testsuite.TestWorkflowEnvironment
	mu  sync.Mutex // activities run beside each other

	create  func() (EndpointCreated, error)
	await   func() (EndpointReady, error)
	tend    func(TendCall) (Tended, error)
	release func() (EndpointReleased, error)
	owner   func(string) error

	running  bool
	creates  int
	releases int
	over     string // ReleaseCall.Over of the last release
	heard    []RentalStage
	last     RentalNews
}

func newAccount() *account {
	a := &account{env: newEnvironment()}
	a.create = func() (EndpointCreated, error) {
		a.running = true
		return EndpointCreated{ID: "ep-1", Name: "nightshift-x-job-1", At: a.env.Now()}, nil
	}
	a.await = func() (EndpointReady, error) {
		meter := jobs.Meter{Steps: []jobs.Step{{At: a.env.Now(), Replicas: 2}}, Until: a.env.Now()}
		return EndpointReady{Address: Address{Model: "m"}, At: a.env.Now(), Meter: meter}, nil
	}
	a.tend = func(TendCall) (Tended, error) { return Tended{}, activity.ErrResultPending }
	a.release = func() (EndpointReleased, error) {
		a.running = false
		return EndpointReleased{StopAsked: a.env.Now(), Confirmed: a.env.Now(), How: "not listed"}, nil
	}
	a.owner = func(string) error { return errOpen }
	a.register()
	return a
}

var errOpen = temporal.NewApplicationErrorWithOptions("open", jobs.Temporary, temporal.ApplicationErrorOptions{})

func (a *account) register() {
	a.env.RegisterWorkflow(Endpoint)
	for name, function := range map[string]any{
		CreateEndpoint: func(context.Context, CreateCall) (EndpointCreated, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.creates++
			return a.create()
		},
		AwaitEndpoint: func(context.Context, AwaitCall) (EndpointReady, error) { return a.await() },
		TendEndpoint:  func(_ context.Context, call TendCall) (Tended, error) { return a.tend(call) },
		ReleaseEndpoint: func(_ context.Context, call ReleaseCall) (EndpointReleased, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.releases++
			a.over = call.Over
			return a.release()
		},
		WatchOwner: func(_ context.Context, owner string) error { return a.owner(owner) },
	} {
		a.env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
	a.env.OnSignalExternalWorkflow("default-test-namespace", "job", "", RentalSignal, mock.Anything).Return(
		func(_, _, _, _ string, payload any) error {
			news := payload.(RentalNews)
			a.heard, a.last = append(a.heard, news.Stage), news
			return nil
		})
}

func (a *account) request() EndpointRequest {
	return EndpointRequest{
		Job: "job", Owner: "job", Rental: 1, Warmup: jobs.Duration(30 * time.Minute), Deadline: a.env.Now().Add(10 * time.Hour),
		Endpoint: jobs.Endpoint{Provider: "nebius", Model: "m", GPU: jobs.GPU{Type: "h100", Count: 4}, Release: jobs.ReleaseDelete},
		Terms:    Terms{GPUs: 4}, Cap: &Cap{ReplicaSeconds: 1000, Limit: "limits.gpu_minutes of 66"},
	}
}

func (a *account) dismissAfter(delay time.Duration) {
	request := a.request()
	a.env.RegisterDelayedCallback(func() {
		a.env.SignalWorkflow(DismissSignal, Dismissal{Request: request, Reason: "all answered"})
	}, delay)
}

// run runs Endpoint and checks what holds for every one: when it is over
// nothing runs, and the owner has heard so.
func (a *account) run(t *testing.T) (jobs.Rental, error) {
	t.Helper()
	a.env.ExecuteWorkflow(Endpoint, EndpointInput{EndpointRequest: a.request()})
	if !a.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	if a.running {
		t.Error("the endpoint is still running")
	}
	if a.last.Stage != Released {
		t.Errorf("the owner heard %v", a.heard)
	}
	err := a.env.GetWorkflowError()
	var rental jobs.Rental
	if err == nil {
		if err := a.env.GetWorkflowResult(&rental); err != nil {
			t.Fatal(err)
		}
	}
	return rental, err
}

func TestEndpoint_ServesUntilDismissed(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.dismissAfter(time.Hour)
	rental, err := a.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if want := []RentalStage{Created, Serving, Released}; !slices.Equal(a.heard, want) {
		t.Errorf("the owner heard %v, want %v", a.heard, want)
	}
	if rental.GPUs != 4 || rental.Meter.Replicas() != 2 || rental.Reason != "all answered" || rental.Confirmed.IsZero() {
		t.Errorf("rental = %+v", rental)
	}
	if a.releases != 2 {
		t.Errorf("%d releases; want one and a second look", a.releases)
	}
	if a.over != "ep-1" {
		t.Errorf("the second look would stop %q again", a.over)
	}
}

func TestEndpoint_DismissedBeforeItBegan(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.dismissAfter(0)
	if _, err := a.run(t); err != nil {
		t.Fatal(err)
	}
	if a.creates != 0 {
		t.Error("created an endpoint that nobody wants")
	}
}

func TestEndpoint_DismissedWhileWarming(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.await = func() (EndpointReady, error) { return EndpointReady{}, activity.ErrResultPending }
	a.dismissAfter(5 * time.Minute)
	rental, err := a.run(t)
	if err != nil || !rental.Ready.IsZero() {
		t.Errorf("rental = %+v, %v", rental, err)
	}
}

func TestEndpoint_WarmupLimit(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.await = func() (EndpointReady, error) {
		return EndpointReady{}, temporal.NewApplicationError("listing answers 503", jobs.Temporary)
	}
	if _, err := a.run(t); err != nil {
		t.Fatal(err)
	}
	if a.last.ErrType != jobs.WarmupLimit {
		t.Errorf("told the owner %s: %s", a.last.ErrType, a.last.ErrText)
	}
}

func TestEndpoint_Lost(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.tend = func(call TendCall) (Tended, error) {
		call.Meter.Read(a.env.Now(), 0)
		return Tended{Meter: call.Meter, Lost: "the endpoint has been gone for 2m"}, nil
	}
	rental, err := a.run(t)
	if err != nil || rental.Reason != "the endpoint has been gone for 2m" || rental.Meter.Replicas() != 0 {
		t.Errorf("rental = %+v, %v", rental, err)
	}
}

// TestEndpoint_LimitReached: the owner is told, and need not be alive.
func TestEndpoint_LimitReached(t *testing.T) {
	t.Parallel()
	for name, dismissed := range map[string]time.Duration{"owner dismisses": capGrace / 2, "owner is dead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount()
			var capped time.Time
			a.tend = func(call TendCall) (Tended, error) {
				capped = a.env.Now()
				return Tended{Meter: call.Meter, Capped: call.Cap.Limit}, nil
			}
			a.dismissAfter(dismissed)
			rental, err := a.run(t)
			if err != nil {
				t.Fatal(err)
			}
			if want := []RentalStage{Created, Serving, Serving, Released}; !slices.Equal(a.heard, want) || a.last.Capped == "" {
				t.Errorf("the owner heard %v, %q", a.heard, a.last.Capped)
			}
			if took := rental.StopAsked.Sub(capped); took > capGrace+time.Second {
				t.Errorf("released %s after the limit was reached", took)
			}
		})
	}
}

func TestEndpoint_CreateRefused(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.create = func() (EndpointCreated, error) {
		return EndpointCreated{}, temporal.NewNonRetryableApplicationError("quota", jobs.NoCapacity, nil)
	}
	if _, err := a.run(t); err != nil {
		t.Fatal(err)
	}
	if a.last.ErrType != jobs.NoCapacity || a.creates != 1 {
		t.Errorf("told the owner %s after %d creates", a.last.ErrType, a.creates)
	}
	if a.releases == 0 {
		t.Error("nobody looked whether an earlier attempt had created it after all")
	}
}

func TestEndpoint_OwnerClosed(t *testing.T) {
	t.Parallel()
	a := newAccount()
	looks := 0
	a.owner = func(string) error {
		if looks++; looks < 5 {
			return errOpen
		}
		return nil
	}
	if rental, err := a.run(t); err != nil || rental.Reason != "its job is closed" {
		t.Errorf("rental = %+v, %v", rental, err)
	}
}

func TestEndpoint_Deadline(t *testing.T) {
	t.Parallel()
	a := newAccount()
	rental, err := a.run(t)
	if err != nil || rental.Confirmed.Sub(rental.Created) < 9*time.Hour {
		t.Errorf("rental = %+v, %v", rental, err)
	}
}

func TestEndpoint_CancelledByHand(t *testing.T) {
	t.Parallel()
	a := newAccount()
	a.env.RegisterDelayedCallback(a.env.CancelWorkflow, time.Hour)
	if rental, err := a.run(t); err != nil || rental.Reason == "" {
		t.Errorf("rental = %+v, %v", rental, err)
	}
}

func TestEndpoint_NeverGivesUpReleasing(t *testing.T) {
	t.Parallel()
	a := newAccount()
	release := a.release
	a.release = func() (EndpointReleased, error) {
		if a.releases < 100 {
			return EndpointReleased{}, temporal.NewApplicationError("delete answers 500", jobs.Temporary)
		}
		return release()
	}
	a.dismissAfter(time.Minute)
	if _, err := a.run(t); err != nil || a.releases < 100 {
		t.Errorf("%d releases, %v", a.releases, err)
	}
}

func TestEndpoint_ResetOwnerIsToldOfWhatItHas(t *testing.T) {
	t.Parallel()
	a := newAccount()
	again := a.request()
	a.env.RegisterDelayedCallback(func() { a.env.SignalWorkflow(AskSignal, again) }, time.Hour)
	a.dismissAfter(2 * time.Hour)
	if _, err := a.run(t); err != nil {
		t.Fatal(err)
	}
	if want := []RentalStage{Created, Serving, Serving, Released}; !slices.Equal(a.heard, want) || a.creates != 1 {
		t.Errorf("the owner heard %v after %d creates, want %v", a.heard, a.creates, want)
	}
}

func TestEndpoint_AskedAgainWhileReleasing(t *testing.T) {
	t.Parallel()
	a := newAccount()
	next := a.request()
	next.Rental = 2
	a.dismissAfter(time.Hour)
	a.env.RegisterDelayedCallback(func() { a.env.SignalWorkflow(AskSignal, next) }, time.Hour+time.Minute)
	_, err := a.run(t)
	continued, ok := errors.AsType[*workflow.ContinueAsNewError](err)
	if !ok || continued.WorkflowType.Name != EndpointWorkflow {
		t.Fatalf("ended with %v, want a new run for the next rental", err)
	}
}

func TestEndpoint_IgnoresADismissalOfAnEarlierRental(t *testing.T) {
	t.Parallel()
	a := newAccount()
	second, first := a.request(), a.request()
	second.Rental = 2
	a.env.RegisterDelayedCallback(func() { a.env.SignalWorkflow(AskSignal, second) }, time.Minute)
	a.env.RegisterDelayedCallback(func() {
		a.env.SignalWorkflow(DismissSignal, Dismissal{Request: first, Reason: "late"})
	}, time.Hour)
	if rental, err := a.run(t); err != nil || rental.Reason == "late" {
		t.Errorf("rental = %+v, %v", rental, err)
	}
}
