package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/workflows"
)

// A serving endpoint is looked at every tendFast while the number of its
// replicas may change, which bounds the error of the bill, and else every
// tendSlow.
const (
	tendFast = time.Second
	tendSlow = 5 * time.Second
)

// TendEndpoint looks after a serving endpoint until it is cancelled, lost, or
// has used up its limit: it reads the meter, and gives replicas back that the
// rest of the job does not need. Giving back may be repeated; all else only
// reads, so attempts may overlap. It heartbeats an EndpointBeat, with which the
// next attempt goes on. One that the workflow cancels returns the meter and no
// error. Errors are retried.
func (e *Endpoints) TendEndpoint(ctx context.Context, call workflows.TendCall) (workflows.Tended, error) {
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.Tended{}, again(err)
	}
	before, err := lastBeat(ctx)
	if err != nil {
		return workflows.Tended{}, again(err)
	}
	t := tending{provider: p, call: call, owners: e.Owners, heart: newHeart(ctx)}
	t.now.Meter, t.now.Drained = call.Meter, before.Drained
	if before.Meter.Until.After(call.Meter.Until) {
		t.now.Meter = before.Meter
	}
	t.rental = e.Metrics.LookAfter(call.Endpoint.Provider, call.Endpoint.Model, string(provider.Ready), billed(t.now.Meter))
	defer t.rental.Close()
	watched, done := untilStopped(ctx)
	defer done()
	for {
		if t.look(watched); t.now.Lost != "" || t.now.Capped != "" {
			return t.now, nil
		}
		if t.rest(watched) {
			continue
		}
		return t.ended(watched)
	}
}

// ended is what an attempt returns whose context has ended: the meter, if that
// was the workflow's wish. Any other end, such as that Temporal was away for too
// long, must have another attempt go on: without one nobody would look after the
// endpoint.
func (t *tending) ended(ctx context.Context) (workflows.Tended, error) {
	cause := context.Cause(ctx)
	if _, wished := errors.AsType[*temporal.CanceledError](cause); wished {
		return t.now, nil
	}
	if isWaiting(cause) {
		return workflows.Tended{}, cause
	}
	return workflows.Tended{}, again(cause)
}

// tending is one attempt.
type tending struct {
	provider provider.Provider
	call     workflows.TendCall
	owners   *Owners
	heart    *heart
	now      workflows.Tended
	rental   *telemetry.Rental
	badSince time.Time // zero while all is well
	phase    provider.Phase
	detail   string
	peak     float64   // most requests in flight for each replica so far
	drained  time.Time // when the rest of the job was looked at last
}

// look reads the endpoint's state once. Trouble of the control plane is no
// trouble of the endpoint: the meter goes on as it was.
func (t *tending) look(ctx context.Context) {
	state, err := t.provider.Describe(ctx, t.call.ID)
	now := time.Now()
	if err != nil {
		t.beat(ctx, provider.Unknown, err.Error())
		t.cap(t.now.Meter.Until)
		return
	}
	t.meter(now, state)
	t.beat(ctx, state.Phase, state.Detail)
	t.suspect(now, state)
	t.cap(now)
	t.drain(ctx, now)
}

// meter takes a usable endpoint whose provider does not count replicas for one.
func (t *tending) meter(now time.Time, state provider.State) {
	capabilities := t.provider.Capabilities()
	switch {
	case capabilities.Exists, state.Phase == provider.Unknown && capabilities.AskItself:
		return
	case state.Phase.Usable():
		state.ReadyReplicas = max(1, state.ReadyReplicas)
	}
	t.now.Meter.Read(now, state.ReadyReplicas)
}

// rest waits until the next look is due. It heartbeats each second, since a
// cancellation comes with the answer to that.
func (t *tending) rest(ctx context.Context) bool {
	for left := t.poll(); pause(ctx, min(left, tendFast)); left -= tendFast {
		if left <= tendFast {
			return true
		}
		t.beat(ctx, t.phase, t.detail)
	}
	return false
}

func (t *tending) beat(ctx context.Context, phase provider.Phase, detail string) {
	t.rental.Seen(string(phase))
	t.rental.Billed(billed(t.now.Meter))
	t.phase, t.detail = phase, detail
	_ = t.heart.beat(ctx, workflows.EndpointBeat{
		Phase: string(phase), Detail: detail, Meter: t.now.Meter, Drained: t.now.Drained,
	})
}

// suspect gives an endpoint in a bad state some time to recover.
func (t *tending) suspect(now time.Time, state provider.State) {
	switch state.Phase {
	case provider.Gone, provider.Failed, provider.Stalled, provider.Stopped:
	default:
		t.badSince = time.Time{}
		return
	}
	if t.badSince.IsZero() {
		t.badSince = now
	}
	if now.Sub(t.badSince) >= lostAfter {
		t.now.Lost = lost(state)
	}
}

// lost says what an endpoint was that did not recover.
func lost(state provider.State) string {
	said := fmt.Sprintf("the endpoint has been %s for %s", state.Phase, lostAfter)
	if state.Detail != "" {
		said += ": " + state.Detail
	}
	return said
}

// cap compares the meter with the limit, or with those of who shares the
// endpoint.
func (t *tending) cap(now time.Time) {
	if job, limit := t.limit(); limit != nil && t.now.Meter.All(now) >= limit.ReplicaSeconds {
		t.now.Capped, t.now.Job = limit.Limit, job
	}
}

// limit is what the meter reaches first: what is shared is billed to each in
// equal parts.
func (t *tending) limit() (job string, least *workflows.Cap) {
	least = t.call.Cap
	for _, sharer := range t.call.Sharers {
		all := workflows.Cap{ReplicaSeconds: t.call.Settled + sharer.Cap.ReplicaSeconds*float64(t.call.Among), Limit: sharer.Cap.Limit}
		if least == nil || all.ReplicaSeconds < least.ReplicaSeconds {
			job, least = sharer.Job, &all
		}
	}
	return job, least
}

// poll is the time until the next look: soon if the number of replicas may be
// about to change, and not later than the limit.
func (t *tending) poll() time.Duration {
	bounds, replicas := t.call.Endpoint.Replicas, t.now.Meter.Replicas()
	wait := tendSlow
	if bounds.Min != bounds.Max || replicas != bounds.Min || !t.badSince.IsZero() {
		wait = tendFast
	}
	if t.drains() && replicas > 1 {
		wait = min(wait, drainPoll)
	}
	if _, limit := t.limit(); limit != nil && replicas > 0 {
		left := limit.ReplicaSeconds - t.now.Meter.All(time.Now())
		wait = min(wait, max(time.Duration(left/float64(replicas)*float64(time.Second)), 10*time.Millisecond))
	}
	return wait
}
