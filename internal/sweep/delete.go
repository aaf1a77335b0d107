package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// pollEvery is how often a provider is asked whether what was deleted is gone,
// unless it asks for more patience.
const pollEvery = time.Second

// errStillListed is why an endpoint whose deletion was accepted is unconfirmed.
var errStillListed = errors.New("the provider still lists it")

// Delete deletes endpoints and returns when the provider confirms that each is
// gone, or after the given time. It returns those that are not confirmed, each
// with the last thing that stood in the way. An endpoint that is then Stopped
// holds no GPU, and counts as confirmed. It may run any number of times.
func Delete(ctx context.Context, p provider.Provider, ids []string, within time.Duration) (unconfirmed map[string]error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	d := deletion{provider: p, unconfirmed: map[string]error{}, off: map[string]bool{}}
	for _, id := range ids {
		d.unconfirmed[id] = errStillListed
	}
	for len(d.unconfirmed) > 0 {
		wait := d.round(ctx, ids)
		if len(d.unconfirmed) > 0 && !pause(ctx, wait) {
			break
		}
	}
	maps.DeleteFunc(d.unconfirmed, func(id string, _ error) bool { return d.off[id] })
	return d.unconfirmed
}

// deletion is under way for several endpoints of one provider.
type deletion struct {
	provider    provider.Provider
	unconfirmed map[string]error
	off         map[string]bool // of the unconfirmed: those that held no GPU when last seen
}

// round takes a step for every endpoint that is not confirmed, and returns how
// long to wait before the next.
func (d *deletion) round(ctx context.Context, ids []string) (wait time.Duration) {
	wait = pollEvery
	for _, id := range ids {
		if d.unconfirmed[id] == nil {
			continue
		}
		phase, err := step(ctx, d.provider, id)
		switch {
		case phase == provider.Gone:
			delete(d.unconfirmed, id)
		case ctx.Err() != nil: // what was seen before says more
			return wait
		default:
			d.unconfirmed[id], d.off[id] = err, phase.Off()
			wait = max(wait, patience(err))
		}
	}
	return wait
}

// step asks for the next step of a deletion, and then how far it has come. The
// error is never nil unless the endpoint is gone.
func step(ctx context.Context, p provider.Provider, id string) (provider.Phase, error) {
	deleting := p.Delete(ctx, id)
	state, err := p.Describe(ctx, id)
	switch {
	case err != nil:
		return provider.Unknown, errors.Join(deleting, err)
	case state.Phase == provider.Gone:
		return provider.Gone, nil
	case deleting != nil:
		return state.Phase, deleting
	}
	return state.Phase, fmt.Errorf("%w as %s", errStillListed, state.Phase)
}

// patience is how long the provider wants to be left alone.
func patience(err error) time.Duration {
	if limited, ok := errors.AsType[*provider.Error](err); ok {
		return limited.RetryAfter
	}
	return 0
}

// pause waits for d and reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
