package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Endpoints creates, awaits and releases endpoints.
type Endpoints struct {
	Providers    Providers
	Installation string // goes into endpoints' names; see provider.Name
	Dial         Dial   // makes the client that asks an endpoint for its first answer
}

// CheckEndpoint compares a shape with what its provider offers. It only reads.
// Errors: EndpointRefused listing what is offered, Unauthorized.
func (e *Endpoints) CheckEndpoint(ctx context.Context, endpoint jobs.Endpoint) error {
	p, err := e.Providers.open(endpoint)
	if err != nil {
		return sorted(err)
	}
	_, err = p.Check(ctx, shapeOf(endpoint))
	return sorted(err)
}

// settleAfterCreate is how long a listing is asked for an endpoint whose create
// got no clear answer, before creating is tried again.
const settleAfterCreate = 20 * time.Second

// CreateEndpoint creates the job's endpoint, or adopts the one that an earlier
// attempt created: it looks for the job's name before each create and after
// each create whose answer was lost. It heartbeats so that a dead worker is
// noticed soon, and does not heed cancellation: a create that is cut short
// leaves open what became of it. Errors: EndpointRefused, Unauthorized,
// NoCapacity.
func (e *Endpoints) CreateEndpoint(ctx context.Context, call workflows.CreateCall) (workflows.EndpointCreated, error) {
	defer beating(ctx, func() any { return nil })()
	ctx = context.WithoutCancel(ctx)
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.EndpointCreated{}, sorted(err)
	}
	name := provider.Name{Installation: e.Installation, Job: call.Job, Deadline: call.Deadline}
	if found, err := owned(ctx, p, name, ""); err != nil {
		return workflows.EndpointCreated{}, sorted(err)
	} else if len(found) > 0 {
		return adopt(found[0]), nil
	}
	state, err := p.Create(ctx, name.String(), shapeOf(call.Endpoint))
	if err == nil {
		return workflows.EndpointCreated{ID: state.ID, Name: name.String(), At: time.Now()}, nil
	}
	if provider.KindOf(err) == provider.Ambiguous {
		if found := e.settle(ctx, p, name); len(found) > 0 {
			return adopt(found[0]), nil
		}
	}
	return workflows.EndpointCreated{}, sorted(err)
}

// settle waits for an endpoint to show in the listing.
func (e *Endpoints) settle(ctx context.Context, p provider.Provider, name provider.Name) []provider.State {
	for until := time.Now().Add(settleAfterCreate); time.Now().Before(until); {
		if found, err := owned(ctx, p, name, ""); err == nil && len(found) > 0 {
			return found
		}
		if !pause(ctx, time.Second) {
			break
		}
	}
	return nil
}

func adopt(state provider.State) workflows.EndpointCreated {
	return workflows.EndpointCreated{ID: state.ID, Name: state.Name, Adopted: true, At: time.Now()}
}

// owned lists the endpoints that belong to the name's job, or bear the id,
// oldest first.
func owned(ctx context.Context, p provider.Provider, name provider.Name, id string) ([]provider.State, error) {
	all, err := p.List(ctx)
	if err != nil {
		return nil, err
	}
	ours := slices.DeleteFunc(all, func(s provider.State) bool {
		return !name.Owns(s.Name) && (id == "" || s.ID != id)
	})
	slices.SortStableFunc(ours, func(a, b provider.State) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return ours, nil
}

// readyPoll is how often a warming endpoint is looked at. It bounds the time in
// which a ready endpoint is paid for and not used.
const readyPoll = 500 * time.Millisecond

// AwaitEndpoint polls until the provider says that the endpoint serves and it
// answers one tiny request. It only reads, so attempts may overlap. It
// heartbeats an EndpointBeat. Errors: EndpointLost, Unauthorized.
func (e *Endpoints) AwaitEndpoint(ctx context.Context, call workflows.AwaitCall) (workflows.EndpointReady, error) {
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.EndpointReady{}, sorted(err)
	}
	warming := warmup{provider: p, call: call, dial: e.Dial}
	for {
		if ready, done, err := warming.look(ctx); done || err != nil {
			return ready, sorted(err)
		}
		if !pause(ctx, readyPoll) {
			return workflows.EndpointReady{}, ctx.Err()
		}
	}
}

// ReleaseEndpoint deletes or disables every endpoint of the job and returns
// once the provider's listing shows none that holds a GPU. Any number of
// attempts may overlap. It heartbeats an EndpointBeat. All its errors are
// retried: an endpoint that may be running is never given up.
func (e *Endpoints) ReleaseEndpoint(ctx context.Context, call workflows.ReleaseCall) (workflows.EndpointReleased, error) {
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.EndpointReleased{}, again(err)
	}
	var before workflows.EndpointBeat
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &before); err != nil {
			return workflows.EndpointReleased{}, again(fmt.Errorf("read the last attempt's heartbeat: %w", err))
		}
	}
	r := release{
		provider: p, policy: call.Endpoint.Release, id: call.ID,
		name:  provider.Name{Installation: e.Installation, Job: call.Job},
		asked: before.StopAsked,
	}
	released, err := r.run(ctx)
	if err != nil {
		return released, again(err)
	}
	return released, nil
}
