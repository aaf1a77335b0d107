package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/workflows"
)

// settleAfterCreate is how long a listing is asked for an endpoint whose create
// got no clear answer, before creating is tried again.
const settleAfterCreate = 20 * time.Second

// CreateEndpoint creates the job's endpoint, or adopts the one that an earlier
// attempt created: it looks for the job's name before each create and after
// each create whose answer was lost. Where the provider keeps no names, a
// journal in the bucket and the listing's difference stand for them. An endpoint
// that the job names by its id is started if it is stopped, and the journal
// remembers how it was found. It heartbeats so that a dead worker is noticed
// soon, and does not heed cancellation: a create that is cut short leaves open
// what became of it. Errors: EndpointRefused, Unauthorized, NoCapacity.
func (e *Endpoints) CreateEndpoint(ctx context.Context, call workflows.CreateCall) (created workflows.EndpointCreated, err error) {
	defer func() { e.Metrics.Created(call.Endpoint.Provider, creationOutcome(created, err)) }()
	defer beating(ctx, func() any { return nil })()
	ctx = context.WithoutCancel(ctx)
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.EndpointCreated{}, sorted(err)
	}
	c := creation{
		Provider: p, endpoints: e, call: call,
		name: provider.Name{Installation: e.Installation, Job: call.Job, Deadline: call.Deadline},
	}
	have := c.named
	switch capabilities := p.Capabilities(); {
	case call.Endpoint.ID != "":
		have = c.take
	case !capabilities.CanFind && !capabilities.Exists:
		have = c.unnamed
	}
	created, err = have(ctx)
	return created, sorted(err)
}

// creationOutcome is "created", "adopted", or the type of the error.
func creationOutcome(created workflows.EndpointCreated, err error) string {
	told, ok := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case ok:
		return told.Type()
	case err != nil:
		return "interrupted"
	case created.Adopted:
		return "adopted"
	}
	return "created"
}

// creation is one attempt to have an endpoint.
type creation struct {
	provider.Provider
	endpoints *Endpoints
	call      workflows.CreateCall
	name      provider.Name
}

// named creates an endpoint that can be found again by its name.
func (c *creation) named(ctx context.Context) (workflows.EndpointCreated, error) {
	found, err := c.found(ctx)
	if err != nil {
		return workflows.EndpointCreated{}, err
	}
	if len(found) > 0 && found[0].Phase != provider.Partial {
		return c.adopt(ctx, found[0])
	}
	state, err := c.create(ctx)
	if err == nil {
		return c.made(state), nil
	}
	if provider.KindOf(err) != provider.Ambiguous {
		return workflows.EndpointCreated{}, err
	}
	for until := time.Now().Add(settleAfterCreate); time.Now().Before(until) && pause(ctx, time.Second); {
		if found, failed := c.found(ctx); failed == nil && len(found) > 0 && found[0].Phase != provider.Partial {
			return c.adopt(ctx, found[0])
		}
	}
	return workflows.EndpointCreated{}, err
}

func (c *creation) create(ctx context.Context) (provider.State, error) {
	shape := shapeOf(c.call.Endpoint)
	if shape.IdleStop == 0 && c.Capabilities().SetsIdle {
		shape.IdleStop = max(defaultIdleStop, 2*c.call.Endpoint.Share.Linger.Std())
	}
	return c.Create(ctx, c.name.String(), shape)
}

// defaultIdleStop is after how long without a request the provider shall stop
// the endpoint by itself: longer than any pause in a healthy job.
const defaultIdleStop = 30 * time.Minute

// found lists the job's endpoints that serve or can be brought to serve, oldest
// first. What is on its way out is left to the release.
func (c *creation) found(ctx context.Context) ([]provider.State, error) {
	ours, err := owned(ctx, c.Provider, c.name, "")
	return slices.DeleteFunc(ours, func(s provider.State) bool {
		switch s.Phase {
		case provider.Stopping, provider.Failed, provider.Gone:
			return true
		case provider.Stopped:
			return !c.Capabilities().CanStart
		}
		return false
	}), err
}

func (c *creation) adopt(ctx context.Context, state provider.State) (workflows.EndpointCreated, error) {
	if state.Phase == provider.Stopped {
		if err := c.Start(ctx, state.ID); err != nil {
			return workflows.EndpointCreated{}, err
		}
		if wanted := shapeOf(c.call.Endpoint).Replicas; c.Capabilities().CanScale && state.Shape.Replicas != wanted {
			if err := c.Scale(ctx, state.ID, wanted); err != nil {
				return workflows.EndpointCreated{}, err
			}
		}
	}
	adopted := c.made(state)
	adopted.Adopted = true
	return adopted, nil
}

func (c *creation) made(state provider.State) workflows.EndpointCreated {
	created := workflows.EndpointCreated{ID: state.ID, Name: state.Name, At: time.Now()}
	if name, err := provider.ParseName(state.Name); err == nil {
		created.Deadline = name.Deadline
	}
	return created
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
