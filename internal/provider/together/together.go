// Package together drives dedicated model inference of Together AI over its
// control plane, version 2.
//
// What is particular about it:
//
//   - What nightshift calls an endpoint is two things here: an endpoint, which is
//     a name and costs nothing, and a deployment under it, which has the replicas
//     and is billed. A third call puts the deployment into the endpoint's traffic
//     split; until then it serves nothing, however ready it is.
//   - So Create takes several calls, each of which looks for what an earlier
//     attempt has made, by name: names are unique in a project. As soon as a
//     deployment may exist, every failure of Create is Ambiguous.
//   - Deleting has an order that the service enforces: clear the split, scale to
//     zero, wait until it has stopped, delete the deployment, delete the endpoint.
//     Delete reads how far that has come and does what can be done next.
//   - A stopped deployment has the bounds 0 and 0 and has forgotten those before.
//   - Unknown fields in a request are refused, and zeros and empty lists count:
//     nothing may be left out because it is empty.
//   - Requests name "<project>/<endpoint>" as their model, on a host of their own.
//     They get 400 or 503 while nothing is routed.
//   - Nothing is known to stop an idle deployment. scaleToZeroWindow is in the
//     schema but not in the guides: it is sent when asked for, and not relied on.
package together

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	baseURL      = "https://api.together.ai"
	inferenceURL = "https://api-inference.together.ai/v1"
	maxName      = 100 // bytes; no limit is documented, and the longest name of ours has 95
	maxDetail    = 200 // bytes of a state and its message that are kept
	pageLimit    = "500"
)

// cloud implements [provider.Provider]. The project that the key belongs to is
// read once and never changes.
type cloud struct {
	rest      *provider.Client
	inference string

	mu      sync.Mutex
	project string // empty until read
}

// New returns the provider. Settings.Project is Together's project id; without
// one it is asked for by the key. With a BaseURL and no InferenceURL the data
// plane is taken to be at BaseURL/v1, so that prompts never leave for another
// host than the one that was named.
func New(s provider.Settings) (provider.Provider, error) {
	rest, err := provider.NewClient("together", baseURL, s)
	if err != nil {
		return nil, err
	}
	fallback := inferenceURL
	if rest.BaseURL() != baseURL {
		fallback = rest.BaseURL() + "/v1"
	}
	inference, err := provider.ParseBaseURL(s.InferenceURL, fallback)
	if err != nil {
		return nil, &provider.Error{Kind: provider.Refused, Op: "together: inference URL", Message: err.Error()}
	}
	return &cloud{rest: rest, inference: inference, project: s.Project}, nil
}

// Capabilities implements [provider.Provider].
func (*cloud) Capabilities() provider.Capabilities {
	return provider.Capabilities{
		CanStop: true, CanStart: true, CanScale: true, CanFind: true,
		MultiStep: true, NameLength: maxName,
	}
}

// List implements [provider.Provider]. It reads all pages.
func (c *cloud) List(ctx context.Context) ([]provider.State, error) {
	endpoints, err := c.endpoints(ctx, "list endpoints", nil)
	if err != nil {
		return nil, err
	}
	states := make([]provider.State, len(endpoints))
	for i := range endpoints {
		states[i] = c.state(&endpoints[i], endpoints[i].ours())
	}
	return states, nil
}

// Describe implements [provider.Provider]. It reads the endpoint, and then its
// deployment for the reason of the state. A 404 alone does not prove that the
// endpoint is gone, since a wrong project answers with it too.
func (c *cloud) Describe(ctx context.Context, id string) (provider.State, error) {
	e, err := c.endpoint(ctx, "describe endpoint", id)
	if provider.Absent(err) {
		return c.lookUp(ctx, id)
	}
	if err != nil {
		return provider.State{}, err
	}
	d := e.ours()
	if d == nil {
		return c.state(e, nil), nil
	}
	whole, err := c.deployment(ctx, "describe endpoint", e.id(), d.id())
	switch {
	case provider.Absent(err):
		d = nil // deleted since the endpoint was read
	case err != nil:
		return provider.State{}, err
	default:
		d = whole
	}
	return c.state(e, d), nil
}

// lookUp describes an endpoint by the listing.
func (c *cloud) lookUp(ctx context.Context, id string) (provider.State, error) {
	states, err := c.List(ctx)
	if err != nil {
		return provider.State{}, err
	}
	for _, state := range states {
		if state.ID == id {
			return state, nil
		}
	}
	return provider.State{ID: id, Phase: provider.Gone}, nil
}

// endpoint reads one endpoint.
func (c *cloud) endpoint(ctx context.Context, op, id string) (*endpoint, error) {
	if id == "" {
		return nil, refused(op, "no endpoint id")
	}
	var e endpoint
	err := c.send(ctx, request{op: op + " " + provider.Clip(id, maxName), method: http.MethodGet, path: []string{id}}, &e)
	return &e, err
}

// deployment reads one deployment.
func (c *cloud) deployment(ctx context.Context, op, endpointID, id string) (*deployment, error) {
	var d deployment
	err := c.send(ctx, request{
		op: op + " " + provider.Clip(endpointID, maxName), method: http.MethodGet, path: []string{endpointID, "deployments", id},
	}, &d)
	return &d, err
}

// endpoints reads all pages of the project's endpoints that pass the filter.
func (c *cloud) endpoints(ctx context.Context, op string, filter url.Values) ([]endpoint, error) {
	return all(op, filter, func(query url.Values, p *page[endpoint]) error {
		return c.send(ctx, request{op: op, method: http.MethodGet, query: query}, p)
	})
}

// deployments reads all pages of an endpoint's deployments. An endpoint shows
// only its newest itself.
func (c *cloud) deployments(ctx context.Context, op, endpointID string) ([]deployment, error) {
	op += " " + provider.Clip(endpointID, maxName)
	return all(op, nil, func(query url.Values, p *page[deployment]) error {
		return c.send(ctx, request{op: op, method: http.MethodGet, path: []string{endpointID, "deployments"}, query: query}, p)
	})
}
