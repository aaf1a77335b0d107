package togetherv1

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// readAtOnce bounds the calls that List has in flight. No limit of the control
// plane is documented; four complete fifty endpoints in a few seconds.
const readAtOnce = 4

// List implements [provider.Provider]. It returns the account's own dedicated
// endpoints; one that vanished between the listing and the call that completes
// it is left out. Any other failure of such a call fails it all, since an
// endpoint without its name would be taken for somebody else's.
func (c *cloud) List(ctx context.Context) ([]provider.State, error) {
	items, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	whole, err := c.complete(ctx, items)
	if err != nil {
		return nil, err
	}
	states := make([]provider.State, 0, len(whole))
	for _, e := range whole {
		if e != nil {
			states = append(states, c.state(e))
		}
	}
	return states, nil
}

// Describe implements [provider.Provider]. That an endpoint is gone takes two
// calls to say, everything else takes one.
func (c *cloud) Describe(ctx context.Context, id string) (provider.State, error) {
	e, err := c.read(ctx, id)
	switch {
	case err != nil:
		return provider.State{}, err
	case e != nil:
		return c.state(e), nil
	}
	items, err := c.list(ctx)
	if err != nil {
		return provider.State{}, err
	}
	for i := range items {
		if items[i].ID.Value == id {
			return c.state(&items[i]), nil
		}
	}
	return provider.State{ID: id, Phase: provider.Gone}, nil
}

// list reads the listing, whose items are incomplete.
func (c *cloud) list(ctx context.Context) ([]endpoint, error) {
	call := provider.Call{
		Op: "list endpoints", Method: http.MethodGet, Path: endpoints,
		Query: url.Values{"type": {"dedicated"}, "mine": {"true"}},
	}
	var reply provider.Listing[endpoint]
	err := c.rest.Do(ctx, call, &reply)
	return reply.Items, err
}

// complete reads each of the endpoints listed; nil stands for one that is gone.
func (c *cloud) complete(ctx context.Context, items []endpoint) ([]*endpoint, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		whole   = make([]*endpoint, len(items))
		slots   = make(chan struct{}, readAtOnce)
		reading sync.WaitGroup
		once    sync.Once
		failure error // the first; those after it may only be its consequence
	)
	for i := range items {
		slots <- struct{}{}
		reading.Go(func() {
			defer func() { <-slots }()
			e, err := c.read(ctx, items[i].ID.Value)
			if err != nil {
				once.Do(func() { failure = err; cancel() })
			}
			whole[i] = e
		})
	}
	reading.Wait()
	return whole, failure
}

// read reads one endpoint; nil without an error means that it answered 404.
func (c *cloud) read(ctx context.Context, id string) (*endpoint, error) {
	call, err := callOne("read endpoint", http.MethodGet, id)
	if err != nil {
		return nil, err
	}
	reply := new(endpoint)
	if err := c.rest.Do(ctx, call, reply); err != nil {
		return nil, unlessAbsent(err)
	}
	return reply, nil
}
