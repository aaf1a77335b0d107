package workflows

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// house is an account with jobs that share an endpoint; times count from the
// first ask.
type house struct {
	*account
	linger, lifetime time.Duration
	began            time.Time
	told             sync.Mutex // of news: each signal is sent on a goroutine of its own
	news             map[string][]RentalNews
	closed           map[string]bool
}

func newHouse() *house {
	h := &house{account: newAccount(), lifetime: 24 * time.Hour, news: map[string][]RentalNews{}, closed: map[string]bool{}}
	h.began = h.env.Now()
	h.env.OnSignalExternalWorkflow("default-test-namespace", mock.Anything, "", RentalSignal, mock.Anything).Return(
		func(_, owner, _, _ string, payload any) error {
			h.told.Lock()
			defer h.told.Unlock()
			h.news[owner] = append(h.news[owner], payload.(RentalNews))
			return nil
		})
	return h
}

func (h *house) request(job string) EndpointRequest {
	request := h.account.request()
	request.Job, request.Owner, request.Cap = job, job, nil
	request.Endpoint.Share = jobs.Share{Name: "chat", Linger: jobs.Duration(h.linger), Lifetime: jobs.Duration(h.lifetime)}
	return request
}

func (h *house) asks(job string, at time.Duration) {
	request := h.request(job)
	h.env.RegisterDelayedCallback(func() { h.env.SignalWorkflow(AskSignal, request) }, at)
}

func (h *house) returns(job string, at time.Duration) {
	dismissal := Dismissal{Request: h.request(job), Reason: job + " is done"}
	h.env.RegisterDelayedCallback(func() { h.env.SignalWorkflow(DismissSignal, dismissal) }, at)
}

// run starts the Endpoint as a job's ask does, and checks what holds for every
// one: nothing runs when it is over, and what was billed is told in parts that
// add up.
func (h *house) run(t *testing.T) (jobs.Rental, error) {
	t.Helper()
	h.env.ExecuteWorkflow(Endpoint, EndpointInput{EndpointRequest: h.request("a")})
	if !h.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	err := h.env.GetWorkflowError()
	if continued, ok := errors.AsType[*workflow.ContinueAsNewError](err); ok {
		return jobs.Rental{}, continued
	}
	if err != nil {
		t.Fatal(err)
	}
	if h.running {
		t.Error("the endpoint is still running")
	}
	var rental jobs.Rental
	if err := h.env.GetWorkflowResult(&rental); err != nil {
		t.Fatal(err)
	}
	h.addsUp(t, rental)
	return rental, nil
}

func (h *house) addsUp(t *testing.T, rental jobs.Rental) {
	t.Helper()
	if rental.Shared == nil {
		t.Fatalf("rental = %+v", rental)
	}
	parts := rental.Shared.Idle
	for _, use := range rental.Shared.Uses {
		parts += use.ReplicaSeconds
		if last := h.last(use.Job); math.Abs(last.Rental.GPUSeconds()-4*use.ReplicaSeconds) > 1e-6 {
			t.Errorf("%s was told of %g GPU seconds, and the endpoint counts %g", use.Job, last.Rental.GPUSeconds(), 4*use.ReplicaSeconds)
		}
	}
	if whole := rental.Meter.All(rental.StopAsked); math.Abs(parts-whole) > 1e-6 {
		t.Errorf("the parts add up to %g, billed are %g", parts, whole)
	}
}

func (h *house) last(job string) RentalNews {
	if len(h.news[job]) == 0 {
		return RentalNews{}
	}
	return h.news[job][len(h.news[job])-1]
}

func (h *house) stages(job string) []RentalStage {
	var stages []RentalStage
	for _, news := range h.news[job] {
		stages = append(stages, news.Stage)
	}
	return slices.Compact(stages)
}

func (h *house) heard(t *testing.T, job string, want ...RentalStage) {
	t.Helper()
	if got := h.stages(job); !slices.Equal(got, want) {
		t.Errorf("%s heard %v, want %v", job, got, want)
	}
}

// TestEndpoint_Shared: one rental for two jobs, released when the second is done
// and the linger is over.
func TestEndpoint_Shared(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.linger = 10 * time.Minute
	h.asks("a", 0)
	h.asks("b", 20*time.Minute)
	h.returns("a", time.Hour)
	h.returns("b", 2*time.Hour)
	rental, _ := h.run(t)
	if h.creates != 1 {
		t.Errorf("%d endpoints for two jobs", h.creates)
	}
	h.heard(t, "a", Asked, Created, Serving, Returned)
	h.heard(t, "b", Serving, Returned)
	if took := rental.StopAsked.Sub(h.began); took < 130*time.Minute || took > 131*time.Minute {
		t.Errorf("released after %s, want 2h10m", took)
	}
	for job, minutes := range map[string]float64{"a": 2 * (20 + 20), "b": 2 * (20 + 60)} {
		last := h.last(job).Rental
		if got := last.GPUSeconds() / 4 / 60; math.Abs(got-minutes) > 0.1 {
			t.Errorf("%s is billed for %.2f replica minutes, want %g", job, got, minutes)
		}
		if !last.Returned() || last.Shared.Most != 2 || len(last.Shared.With) != 1 || !last.Confirmed.IsZero() {
			t.Errorf("%s is told %+v, %+v", job, last, last.Shared)
		}
	}
	if idle := rental.Shared.Idle / 60; math.Abs(idle-2*10) > 0.1 || rental.Shared.Jobs != 2 {
		t.Errorf("%.2f replica minutes without a job, want 20; %d jobs", idle, rental.Shared.Jobs)
	}
	if stays := h.last("b").Rental.Shared.Stays; stays.Sub(h.began) < 130*time.Minute {
		t.Errorf("the last job is told that it stays until %s", stays)
	}
}

func TestEndpoint_SharedWithoutLingerIsProvedByTheLast(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.asks("a", 0)
	h.asks("b", 0)
	h.returns("b", time.Hour)
	h.returns("a", 2*time.Hour)
	rental, _ := h.run(t)
	h.heard(t, "b", Asked, Created, Serving, Returned)
	h.heard(t, "a", Asked, Created, Serving, Released)
	if last := h.last("a").Rental; last.Confirmed.IsZero() || last.Returned() || last.Reason != "a is done" {
		t.Errorf("the last job is told %+v", last)
	}
	if idle := rental.Shared.Idle; idle > 10 {
		t.Errorf("%g replica seconds without a job", idle)
	}
}

func TestEndpoint_SharedAskedForWhileItLingers(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.linger = 10 * time.Minute
	h.asks("a", 0)
	h.returns("a", time.Hour)
	h.asks("b", 69*time.Minute)
	h.returns("b", 3*time.Hour)
	rental, _ := h.run(t)
	if h.creates != 1 || rental.StopAsked.Sub(h.began) < 3*time.Hour {
		t.Errorf("%d endpoints, released after %s", h.creates, rental.StopAsked.Sub(h.began))
	}
	if first := h.last("b").Rental; first.Ready.Before(h.began.Add(69 * time.Minute)) {
		t.Errorf("b is said to have had it since %s", first.Ready)
	}
}

func TestEndpoint_SharedAskedForWhileReleasing(t *testing.T) {
	t.Parallel()
	h := newHouse()
	release := h.release
	h.release = func() (EndpointReleased, error) {
		if h.env.Now().Sub(h.began) < time.Hour+time.Minute {
			return EndpointReleased{}, temporal.NewApplicationError("delete answers 500", jobs.Temporary)
		}
		return release()
	}
	h.asks("a", 0)
	h.returns("a", time.Hour)
	h.asks("b", time.Hour+time.Second)
	h.asks("c", time.Hour+time.Second)
	h.returns("c", time.Hour+2*time.Second)
	_, err := h.run(t)
	continued, ok := errors.AsType[*workflow.ContinueAsNewError](err)
	if !ok || continued.WorkflowType.Name != EndpointWorkflow {
		t.Fatalf("ended with %v, want a new run for the next rental", err)
	}
	if h.running {
		t.Error("the first rental is still running")
	}
	h.heard(t, "b")
	h.heard(t, "c", Returned)
}

func TestEndpoint_SharedOwnersClose(t *testing.T) {
	t.Parallel()
	for name, lingers := range map[string]time.Duration{"without linger": 0, "with linger": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse()
			h.linger = lingers
			h.owner = func(owner string) error {
				if h.closed[owner] {
					return nil
				}
				return errOpen
			}
			h.asks("a", 0)
			h.asks("b", 0)
			h.env.RegisterDelayedCallback(func() { h.closed["a"] = true }, time.Minute)
			h.env.RegisterDelayedCallback(func() { h.closed["b"] = true }, 2*time.Minute)
			rental, _ := h.run(t)
			if took := rental.StopAsked.Sub(h.began) - 2*time.Minute - lingers; took < 0 || took > 2*ownerPoll {
				t.Errorf("released %s after the last job was closed and the linger was over", took)
			}
			if rental.Shared.Jobs != 2 {
				t.Errorf("%d jobs are said to have had it", rental.Shared.Jobs)
			}
		})
	}
}

// TestEndpoint_SharedLimitOfOne ends that job only, also if it is dead.
func TestEndpoint_SharedLimitOfOne(t *testing.T) {
	t.Parallel()
	h := newHouse()
	limited := h.request("b")
	limited.Cap = &Cap{ReplicaSeconds: 100, Limit: "limits.cost of 2 USD"}
	h.env.RegisterDelayedCallback(func() { h.env.SignalWorkflow(AskSignal, limited) }, time.Minute)
	h.tend = func(call TendCall) (Tended, error) {
		if len(call.Sharers) == 0 {
			return Tended{}, activity.ErrResultPending
		}
		if got := call.Sharers[0]; call.Among != 2 || got.Job != "b" || got.Cap.ReplicaSeconds != 100 || call.Settled <= 0 {
			t.Errorf("the limits are %+v among %d after %g", call.Sharers, call.Among, call.Settled)
		}
		return Tended{Meter: call.Meter, Capped: "limits.cost of 2 USD", Job: "b"}, nil
	}
	h.asks("a", 0)
	h.returns("a", time.Hour)
	rental, _ := h.run(t)
	h.heard(t, "a", Asked, Created, Serving, Released)
	h.heard(t, "b", Serving, Returned)
	if told := h.last("b").Capped; told != "limits.cost of 2 USD is used up" {
		t.Errorf("b was told %q", told)
	}
	if h.last("a").Capped != "" || rental.Reason != "a is done" {
		t.Errorf("a was told %+v", h.last("a"))
	}
}

func TestEndpoint_SharedLifetime(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.lifetime = 2 * time.Hour
	h.asks("a", 0)
	h.asks("b", 0)
	h.returns("a", 2*time.Hour+time.Second)
	h.returns("b", 2*time.Hour+time.Minute)
	rental, _ := h.run(t)
	if took := rental.StopAsked.Sub(h.began); took < 2*time.Hour || took > 2*time.Hour+2*time.Minute {
		t.Errorf("released after %s", took)
	}
	for _, job := range []string{"a", "b"} {
		if h.last(job).Retired == "" {
			t.Errorf("%s was not told", job)
		}
	}
	h.heard(t, "b", Asked, Created, Serving, Released)
}

// TestEndpoint_SharedBegunByADismissal, since it was terminated: others may have
// the endpoint still.
func TestEndpoint_SharedBegunByADismissal(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.returns("b", 0)
	h.asks("a", ownerPoll)
	h.returns("a", time.Hour)
	rental, _ := h.run(t)
	h.heard(t, "b", Returned)
	h.heard(t, "a", Asked, Created, Serving, Released)
	if rental.StopAsked.Sub(h.began) < time.Hour {
		t.Error("released while a job had it")
	}
	alone := newHouse()
	alone.returns("b", 0)
	alone.run(t)
	if alone.creates != 0 || alone.releases == 0 {
		t.Errorf("%d creates and %d releases", alone.creates, alone.releases)
	}
}

// TestEndpoint_SharedTakenOver by a job that is done at once: others are given
// time to say that they have it too.
func TestEndpoint_SharedTakenOver(t *testing.T) {
	t.Parallel()
	h := newHouse()
	create := h.create
	h.create = func() (EndpointCreated, error) {
		created, err := create()
		created.Adopted, created.Deadline = true, h.began.Add(4*time.Hour)
		return created, err
	}
	h.asks("a", 0)
	h.returns("a", time.Second)
	h.asks("b", ownerPoll)
	rental, _ := h.run(t)
	if h.creates != 1 || h.stages("b")[0] == Returned {
		t.Errorf("%d endpoints; b heard %v", h.creates, h.stages("b"))
	}
	if took := rental.StopAsked.Sub(h.began); took > 4*time.Hour {
		t.Errorf("released after %s, which is past the deadline in its name", took)
	}
}

func TestEndpoint_SharedLost(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.tend = func(call TendCall) (Tended, error) {
		call.Meter.Read(h.env.Now(), 0)
		return Tended{Meter: call.Meter, Lost: "the endpoint has been gone for 2m"}, nil
	}
	h.asks("a", 0)
	h.asks("b", 0)
	h.run(t)
	for _, job := range []string{"a", "b"} {
		if last := h.last(job); last.Stage != Released || last.Rental.Reason != "the endpoint has been gone for 2m" {
			t.Errorf("%s was told %+v", job, last)
		}
	}
}

func TestEndpoint_SharedWarmupLimitOfOne(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.await = func() (EndpointReady, error) { return EndpointReady{}, activity.ErrResultPending }
	impatient := h.request("b")
	impatient.Warmup = jobs.Duration(5 * time.Minute)
	h.asks("a", 0)
	h.env.RegisterDelayedCallback(func() { h.env.SignalWorkflow(AskSignal, impatient) }, time.Minute)
	h.returns("a", 20*time.Minute)
	h.run(t)
	if last := h.last("b"); last.Stage != Returned || last.ErrType != jobs.WarmupLimit {
		t.Errorf("b was told %+v", last)
	}
	h.heard(t, "a", Asked, Created, Released)
}

// TestEndpoint_SharedContinuesAsNew with all that it knows.
func TestEndpoint_SharedContinuesAsNew(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.linger = 7 * time.Minute
	h.asks("a", 0)
	h.asks("b", 0)
	h.returns("a", time.Hour)
	h.asks("c", 2*time.Hour)
	h.env.RegisterDelayedCallback(func() { h.env.SetContinueAsNewSuggested(true) }, 2*time.Hour+time.Minute)
	h.asks("b", 2*time.Hour+2*time.Minute)
	_, err := h.run(t)
	continued, ok := errors.AsType[*workflow.ContinueAsNewError](err)
	if !ok {
		t.Fatalf("ended with %v", err)
	}
	var input EndpointInput
	if err := converter.GetDefaultDataConverter().FromPayloads(continued.Input, &input); err != nil {
		t.Fatal(err)
	}
	next := newHouse()
	next.linger = h.linger
	next.running = true
	next.env.SetStartTime(h.env.Now())
	next.began = h.env.Now()
	next.news["a"] = h.news["a"]
	next.returns("b", time.Hour)
	next.returns("c", 2*time.Hour)
	next.env.ExecuteWorkflow(Endpoint, input)
	var rental jobs.Rental
	if err := next.env.GetWorkflowResult(&rental); err != nil {
		t.Fatal(err)
	}
	next.addsUp(t, rental)
	if next.creates != 0 || next.running || rental.Shared.Jobs != 3 || !rental.Created.Equal(h.last("a").Rental.Created) {
		t.Errorf("%d creates, running %t, %+v", next.creates, next.running, rental.Shared)
	}
	if took := rental.StopAsked.Sub(next.began); took < 2*time.Hour+h.linger {
		t.Errorf("released %s after the new run began", took)
	}
}
