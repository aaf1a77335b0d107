package workflows

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// rival is another job that wants the same endpoint.
type rival struct {
	*account
	heard []RentalNews
}

func newRival(a *account) *rival {
	r := &rival{account: a}
	a.env.OnSignalExternalWorkflow("default-test-namespace", "rival", "", RentalSignal, mock.Anything).Return(
		func(_, _, _, _ string, payload any) error {
			r.heard = append(r.heard, payload.(RentalNews))
			return nil
		})
	return r
}

func (r *rival) request() EndpointRequest {
	request := r.account.request()
	request.Job, request.Owner = "rival", "rival"
	request.Endpoint = jobs.Endpoint{Provider: "nebius", ID: "ep-1"}
	return request
}

func (r *rival) asksAfter(delay time.Duration) {
	request := r.request()
	r.env.RegisterDelayedCallback(func() { r.env.SignalWorkflow(AskSignal, request) }, delay)
}

func (r *rival) dismissesAfter(delay time.Duration) {
	request := r.request()
	r.env.RegisterDelayedCallback(func() {
		r.env.SignalWorkflow(DismissSignal, Dismissal{Request: request, Reason: "rival is done"})
	}, delay)
}

// TestEndpoint_RefusesAnotherJob while one has the endpoint; neither its asking
// nor its dismissing touches the one that has it.
func TestEndpoint_RefusesAnotherJob(t *testing.T) {
	t.Parallel()
	a := newAccount()
	r := newRival(a)
	r.asksAfter(time.Minute)
	r.dismissesAfter(2 * time.Minute)
	a.dismissAfter(time.Hour)
	rental, err := a.run(t)
	if err != nil || rental.Reason != "all answered" {
		t.Fatalf("rental = %+v, %v", rental, err)
	}
	if want := []RentalStage{Created, Serving, Released}; !slices.Equal(a.heard, want) {
		t.Errorf("the owner heard %v, want %v", a.heard, want)
	}
	if len(r.heard) != 2 {
		t.Fatalf("the rival heard %+v", r.heard)
	}
	for i, kind := range []string{jobs.NoCapacity, ""} {
		if news := r.heard[i]; news.Stage != Released || news.ErrType != kind || news.Rental.Confirmed.IsZero() {
			t.Errorf("the rival heard %+v", news)
		}
	}
	if text := r.heard[0].ErrText; !strings.Contains(text, "endpoint ep-1 of nebius is in use by job job") {
		t.Errorf("the rival is told %q", text)
	}
}

// TestEndpoint_NextJob comes as soon as the endpoint is returned, and no second
// one with it.
func TestEndpoint_NextJob(t *testing.T) {
	t.Parallel()
	a := newAccount()
	r := newRival(a)
	a.dismissAfter(time.Hour)
	r.asksAfter(time.Hour + time.Second)
	_, err := a.run(t)
	if continued, ok := errors.AsType[*workflow.ContinueAsNewError](err); !ok || continued.WorkflowType.Name != EndpointWorkflow {
		t.Fatalf("ended with %v, want a run for the next job", err)
	}
	if len(r.heard) != 0 {
		t.Errorf("the next job heard %+v", r.heard)
	}
}

// TestEndpoint_NextJobGivesUp before it was its turn.
func TestEndpoint_NextJobGivesUp(t *testing.T) {
	t.Parallel()
	a := newAccount()
	release := a.release
	a.release = func() (EndpointReleased, error) {
		if a.releases < 10 {
			return EndpointReleased{}, errOpen
		}
		return release()
	}
	r := newRival(a)
	a.dismissAfter(time.Hour)
	r.asksAfter(time.Hour + time.Second)
	r.dismissesAfter(time.Hour + 2*time.Second)
	if _, err := a.run(t); err != nil {
		t.Fatal(err)
	}
	if len(r.heard) != 1 || r.heard[0].Stage != Released {
		t.Errorf("the next job heard %+v", r.heard)
	}
}

func TestEndpointIDOf(t *testing.T) {
	t.Parallel()
	if got := EndpointIDOf("job", jobs.Endpoint{Provider: "nebius"}); got != EndpointID("job") {
		t.Error(got)
	}
	named := jobs.Endpoint{Provider: "nebius", ID: "ep-1"}
	if a, b := EndpointIDOf("a", named), EndpointIDOf("b", named); a != b || a != "endpoint/nebius/ep-1" {
		t.Error(a, b)
	}
}
