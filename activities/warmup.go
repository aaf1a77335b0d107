package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// lostAfter is how long an endpoint may be absent from the listing, or in
// error, before it counts as lost. Listings lag behind a create, and providers
// document error states that clear by themselves.
const lostAfter = 2 * time.Minute

// warmup waits for one endpoint.
type warmup struct {
	provider provider.Provider
	call     workflows.AwaitCall
	dial     Dial
	meter    jobs.Meter
	rental   *telemetry.Rental
	state    provider.State // read last
	detail   string         // what was heartbeat last
	badSince time.Time      // zero while all is well

	asking  bool              // an answer is on its way to answers
	asked   workflows.Address // by that question
	answers chan error
}

// askPoll is how often an endpoint is asked for an answer whose provider does
// not tell how it is doing.
const askPoll = 5 * time.Second

func (w *warmup) poll() time.Duration {
	if w.state.Phase == provider.Unknown && w.provider.Capabilities().AskItself {
		return askPoll
	}
	return readyPoll
}

// step looks once and waits until the next look is due. It reports whether the
// endpoint has answered.
func (w *warmup) step(ctx context.Context) (answered bool, err error) {
	if err := w.look(ctx); err != nil {
		return false, err
	}
	if answered, err = w.wait(ctx); answered || err != nil {
		return answered, err
	}
	if limit := w.call.Until; !limit.IsZero() && !time.Now().Before(limit) {
		return false, final(jobs.WarmupLimit, "the endpoint did not answer within limits.warmup; last: "+w.detail)
	}
	return false, nil
}

// look reads the endpoint's state once, and asks the endpoint for an answer if
// it may give one.
func (w *warmup) look(ctx context.Context) error {
	state, err := w.provider.Describe(ctx, w.call.ID)
	if err != nil {
		return w.tolerate(ctx, err)
	}
	w.read(state)
	w.beat(ctx, state.Detail)
	switch state.Phase {
	case provider.Failed:
		return final(jobs.EndpointLost, "the provider says that the endpoint failed: "+state.Detail)
	case provider.Gone, provider.Stalled, provider.Stopped:
		return w.suspect(state)
	}
	w.badSince = time.Time{}
	if state.Phase.Usable() || w.poll() == askPoll {
		w.ask(ctx)
	}
	return nil
}

// read keeps the meter. Endpoints that were there already are not billed to
// the job.
func (w *warmup) read(state provider.State) {
	w.state = state
	if !w.provider.Capabilities().Exists {
		w.meter.Read(time.Now(), state.ReadyReplicas)
	}
}

func (w *warmup) beat(ctx context.Context, detail string) {
	w.detail = detail
	w.rental.Seen(string(w.state.Phase))
	w.rental.Billed(billed(w.meter))
	activity.RecordHeartbeat(ctx, workflows.EndpointBeat{Phase: string(w.state.Phase), Detail: detail, Meter: w.meter})
}

// ask asks the endpoint for one token, one question at a time: between the
// control plane's word and the first answer lie seconds in which requests fail.
// Meanwhile the meter goes on.
func (w *warmup) ask(ctx context.Context) {
	if w.asking {
		return
	}
	w.asking = true
	w.asked = workflows.Address{Provider: w.call.Endpoint.Provider, BaseURL: w.state.BaseURL, Model: w.state.Model}
	endpoint, model := w.dial(w.asked, nil), w.asked.Model
	go func() {
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		w.answers <- endpoint.Probe(asking, model)
	}()
}

// askTimeout bounds the wait for one token.
const askTimeout = 30 * time.Second

// wait waits until the next look is due, or the endpoint has answered.
func (w *warmup) wait(ctx context.Context) (answered bool, err error) {
	wait := w.poll()
	if limit := w.call.Until; !limit.IsZero() {
		wait = max(0, min(wait, time.Until(limit)))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-w.answers:
		w.asking = false
		return w.judge(ctx, err)
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (w *warmup) judge(ctx context.Context, err error) (answered bool, failure error) {
	switch {
	case err == nil:
		return true, nil
	case chat.ClassOf(err) == chat.Misconfigured:
		return false, final(jobs.Unauthorized, fmt.Sprintf("the endpoint refuses every request like this: %v", err))
	}
	w.beat(ctx, w.state.Detail+", no answer yet")
	pause(ctx, readyPoll)
	return false, nil
}

// ready is the endpoint that answered. One whose replicas are not counted has
// at least the one that did.
func (w *warmup) ready() workflows.EndpointReady {
	w.state.ReadyReplicas = max(1, w.state.ReadyReplicas)
	w.read(w.state)
	w.rental.Billed(billed(w.meter))
	w.asked.Replicas = w.state.ReadyReplicas
	return workflows.EndpointReady{Address: w.asked, At: time.Now(), Meter: w.meter}
}

// tolerate lets passing trouble of the control plane be.
func (w *warmup) tolerate(ctx context.Context, err error) error {
	switch provider.KindOf(err) {
	case provider.Unauthorized, provider.Refused:
		return err
	case provider.RateLimited:
		return again(err)
	}
	w.beat(ctx, err.Error())
	return nil
}

// suspect gives an endpoint in a bad state some time to recover.
func (w *warmup) suspect(state provider.State) error {
	if w.badSince.IsZero() {
		w.badSince = time.Now()
	}
	if time.Since(w.badSince) < lostAfter {
		return nil
	}
	return final(jobs.EndpointLost, lost(state))
}
