package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/provider"
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
	phase    provider.Phase // read last
	badSince time.Time      // zero while all is well
}

// askPoll is how often an endpoint is asked for an answer whose provider does
// not tell how it is doing.
const askPoll = 5 * time.Second

func (w *warmup) poll() time.Duration {
	if w.phase == provider.Unknown && w.provider.Capabilities().AskItself {
		return askPoll
	}
	return readyPoll
}

// look reads the endpoint's state once. done means that it answers.
func (w *warmup) look(ctx context.Context) (ready workflows.EndpointReady, done bool, err error) {
	state, err := w.provider.Describe(ctx, w.call.ID)
	if err != nil {
		return ready, false, w.tolerate(ctx, err)
	}
	w.read(state)
	w.beat(ctx, state.Detail)
	switch state.Phase {
	case provider.Failed:
		return ready, false, final(jobs.EndpointLost, "the provider says that the endpoint failed: "+state.Detail)
	case provider.Gone, provider.Stalled, provider.Stopped:
		return ready, false, w.suspect(state)
	}
	w.badSince = time.Time{}
	if state.Phase.Usable() || w.poll() == askPoll {
		return w.probe(ctx, state)
	}
	return ready, false, nil
}

// read keeps the meter. Endpoints that were there already are not billed to
// the job.
func (w *warmup) read(state provider.State) {
	w.phase = state.Phase
	if !w.provider.Capabilities().Exists {
		w.meter.Read(time.Now(), state.ReadyReplicas)
	}
}

func (w *warmup) beat(ctx context.Context, detail string) {
	activity.RecordHeartbeat(ctx, workflows.EndpointBeat{Phase: string(w.phase), Detail: detail, Meter: w.meter})
}

// probe asks the endpoint for one token: between the control plane's word and
// the first answer lie seconds in which requests fail.
func (w *warmup) probe(ctx context.Context, state provider.State) (ready workflows.EndpointReady, done bool, err error) {
	address := workflows.Address{Provider: w.call.Endpoint.Provider, BaseURL: state.BaseURL, Model: state.Model}
	probing, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err = w.dial(address).Probe(probing, address.Model)
	switch {
	case err == nil:
		state.ReadyReplicas = max(1, state.ReadyReplicas)
		w.read(state)
		return workflows.EndpointReady{Address: address, At: time.Now(), Meter: w.meter}, true, nil
	case chat.ClassOf(err) == chat.Misconfigured:
		return ready, false, final(jobs.Unauthorized, fmt.Sprintf("the endpoint refuses the token: %v", err))
	}
	w.beat(ctx, state.Detail+", no answer yet")
	return ready, false, nil
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
	return final(jobs.EndpointLost, fmt.Sprintf("the endpoint has been %s for %s: %s", state.Phase, lostAfter, state.Detail))
}
