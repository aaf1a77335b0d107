package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// An attempt at a release looks at the listing every releasePoll and hands over
// to a fresh attempt after releaseAttempt.
const (
	releasePoll    = 500 * time.Millisecond
	releaseAttempt = time.Minute
)

// keeps reports whether the policy is to turn endpoints off and no more.
func (r *release) keeps() bool { return r.policy != jobs.ReleaseDelete }

// release turns off every endpoint of one job.
type release struct {
	provider provider.Provider
	policy   jobs.Release
	name     provider.Name
	id       string
	over     string // see workflows.ReleaseCall
	found    int
	asked    time.Time // when the provider first accepted a stop
}

// run repeats list, stop, wait until the listing is clear.
func (r *release) run(ctx context.Context) (workflows.EndpointReleased, error) {
	until := time.Now().Add(releaseAttempt)
	for {
		on, how, err := r.listed(ctx)
		if err == nil && len(on) == 0 {
			return workflows.EndpointReleased{Found: r.found, StopAsked: r.asked, Confirmed: time.Now(), How: how}, nil
		}
		if err != nil && r.id != "" {
			on = []provider.State{{ID: r.id}} // what cannot be listed can still be stopped
		}
		r.found = max(r.found, len(on))
		err = errors.Join(err, r.stopAll(ctx, on))
		if time.Now().After(until) {
			return workflows.EndpointReleased{}, errors.Join(fmt.Errorf("not confirmed off after %s", releaseAttempt), err)
		}
		r.beat(ctx, on, err)
		if !pause(ctx, releasePoll) {
			return workflows.EndpointReleased{}, context.Cause(ctx)
		}
	}
}

// listed asks the provider which endpoints of the job are not yet as the
// policy wants them, and says in words what the listing shows.
func (r *release) listed(ctx context.Context) (on []provider.State, how string, err error) {
	ours, err := owned(ctx, r.provider, r.name, r.id)
	if err != nil {
		return nil, "", err
	}
	how = "the provider's listing does not have it"
	for _, state := range ours {
		if r.over != "" && state.ID == r.over {
			continue
		}
		if state.Phase == provider.Gone || state.Phase == provider.Stopped && r.keeps() {
			how = "the provider's listing shows it " + cmp.Or(state.Detail, string(state.Phase))
			continue
		}
		on = append(on, state)
	}
	return on, how, nil
}

func (r *release) stopAll(ctx context.Context, on []provider.State) error {
	var failed []error
	for _, state := range on {
		stop := r.provider.Delete
		if r.keeps() && state.Phase != provider.Partial { // which never was a whole configuration
			stop = r.provider.Stop
		}
		if err := stop(ctx, state.ID); err != nil {
			failed = append(failed, err)
		} else if r.asked.IsZero() {
			r.asked = time.Now()
		}
	}
	return errors.Join(failed...)
}

func (r *release) beat(ctx context.Context, on []provider.State, err error) {
	beat := workflows.EndpointBeat{StopAsked: r.asked}
	for _, state := range on {
		beat.Phase, beat.Detail = string(state.Phase), state.Detail
	}
	if err != nil {
		beat.Detail = err.Error()
	}
	activity.RecordHeartbeat(ctx, beat)
}
