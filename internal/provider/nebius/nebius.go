// Package nebius drives dedicated endpoints of Nebius Token Factory over its
// control plane, version v0.
//
// What is particular about it:
//
//   - There is no call to read one endpoint: Describe lists and picks. The
//     listing is not paginated.
//   - An endpoint has a wished state (enabled) and an observed one, which is two
//     words: the stage (deployment.status) and whether it can serve
//     (deployment.readiness). Readiness decides about traffic; a stage of error
//     with readiness ready is documented as normal, and serves.
//   - The answer to create is documented in three different forms; all are read.
//   - Data plane and control plane share a host in eu-north1 only. Requests name
//     the routing key as their model, and get 404 until the endpoint is ready.
//   - Nothing stops an idle endpoint: one that is forgotten is billed for ever.
//   - Names need not be unique, and create knows no idempotency key.
package nebius

import (
	"context"
	"net/http"
	"net/url"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	baseURL    = "https://api.tokenfactory.nebius.com"
	centralAPI = baseURL + "/v1"
	endpoints  = "/v0/dedicated_endpoints"
	tagPrefix  = "nightshift endpoint "
	maxName    = 100 // bytes; documented
	maxDetail  = 80  // bytes of a state word that are kept
)

// inferenceURLs are the documented data planes. The central one is said to
// reach the other regions too, by a longer route.
var inferenceURLs = map[string]string{
	"eu-north1":   centralAPI,
	"eu-west1":    "https://api.tokenfactory.eu-west1.nebius.com/v1",
	"us-central1": "https://api.tokenfactory.us-central1.nebius.com/v1",
}

// cloud implements [provider.Provider].
type cloud struct {
	rest      *provider.Client
	inference string // given data plane; empty means by region
	project   string
}

// New returns the provider. Settings.Project is Nebius's ai_project_id. With a
// BaseURL and no InferenceURL the data plane is taken to be at BaseURL/v1, so
// that prompts never leave for another host than the one that was named.
func New(s provider.Settings) (provider.Provider, error) {
	rest, err := provider.NewClient("nebius", baseURL, s)
	if err != nil {
		return nil, err
	}
	inference := s.InferenceURL
	if inference == "" && rest.BaseURL() != baseURL {
		inference = rest.BaseURL() + "/v1"
	}
	if inference != "" {
		if inference, err = provider.ParseBaseURL(inference, ""); err != nil {
			return nil, &provider.Error{Kind: provider.Refused, Op: "nebius: inference URL", Message: err.Error()}
		}
	}
	return &cloud{rest: rest, inference: inference, project: s.Project}, nil
}

// Capabilities implements [provider.Provider].
func (*cloud) Capabilities() provider.Capabilities {
	return provider.Capabilities{CanStop: true, CanStart: true, CanScale: true, CanFind: true, NameLength: maxName}
}

// List implements [provider.Provider].
func (c *cloud) List(ctx context.Context) ([]provider.State, error) {
	var reply provider.Listing[endpoint]
	call := c.call("list endpoints", http.MethodGet, endpoints)
	if err := c.rest.Do(ctx, call, &reply); err != nil {
		return nil, err
	}
	states := make([]provider.State, len(reply.Items))
	for i := range reply.Items {
		states[i] = c.state(&reply.Items[i])
	}
	return states, nil
}

// Describe implements [provider.Provider] by listing. An endpoint created a
// moment ago is Gone until the listing has caught up with it.
func (c *cloud) Describe(ctx context.Context, id string) (provider.State, error) {
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

type createRequest struct {
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Model       string  `json:"model_name"`
	Flavor      string  `json:"flavor_name"`
	GPUType     string  `json:"gpu_type"`
	GPUCount    int     `json:"gpu_count"`
	Region      string  `json:"region"`
	Scaling     scaling `json:"scaling"`
}

type scaling struct {
	Min int `json:"min_replicas"`
	Max int `json:"max_replicas"`
}

// Create implements [provider.Provider]. The description repeats the name, for
// an endpoint whose display name does not come back in the listing.
func (c *cloud) Create(ctx context.Context, name string, shape provider.Shape) (provider.State, error) {
	call := c.call("create endpoint", http.MethodPost, endpoints)
	call.Creates = true
	call.Body = createRequest{
		Name: name, Description: tagPrefix + name, Model: shape.Model, Flavor: shape.Flavor,
		GPUType: shape.GPU.Type, GPUCount: shape.GPU.Count, Region: shape.Region,
		Scaling: scaling{Min: shape.Replicas.Min, Max: shape.Replicas.Max},
	}
	var reply created
	if err := c.rest.Do(ctx, call, &reply); err != nil {
		return provider.State{}, err
	}
	return c.createdState(&reply, name, shape), nil
}

// Scale implements [provider.Provider].
func (c *cloud) Scale(ctx context.Context, id string, replicas provider.Replicas) error {
	bounds := scaling{Min: replicas.Min, Max: replicas.Max}
	return c.patch(ctx, "scale endpoint", id, map[string]any{"scaling": bounds})
}

// Start implements [provider.Provider].
func (c *cloud) Start(ctx context.Context, id string) error {
	return c.patch(ctx, "start endpoint", id, map[string]any{"enabled": true})
}

// Stop implements [provider.Provider].
func (c *cloud) Stop(ctx context.Context, id string) error {
	return unlessAbsent(c.patch(ctx, "stop endpoint", id, map[string]any{"enabled": false}))
}

// Delete implements [provider.Provider]. One call is enough. Its success code is
// not documented, so that any 2xx counts, and 404 does too.
func (c *cloud) Delete(ctx context.Context, id string) error {
	call, err := c.callOne("delete endpoint", http.MethodDelete, id)
	if err != nil {
		return err
	}
	return unlessAbsent(c.rest.Do(ctx, call, nil))
}

func (c *cloud) patch(ctx context.Context, op, id string, fields map[string]any) error {
	call, err := c.callOne(op, http.MethodPatch, id)
	if err != nil {
		return err
	}
	call.Body = fields
	return c.rest.Do(ctx, call, nil)
}

func (c *cloud) call(op, method, path string) provider.Call {
	call := provider.Call{Op: op, Method: method, Path: path}
	if c.project != "" {
		call.Query = url.Values{"ai_project_id": {c.project}}
	}
	return call
}

// callOne is a call about one endpoint. Without an id it would be about all.
func (c *cloud) callOne(op, method, id string) (provider.Call, error) {
	if id == "" {
		return provider.Call{}, &provider.Error{Kind: provider.Refused, Op: "nebius: " + op, Message: "no endpoint id"}
	}
	return c.call(op+" "+provider.Clip(id, maxName), method, endpoints+"/"+url.PathEscape(id)), nil
}

func unlessAbsent(err error) error {
	if provider.Absent(err) {
		return nil
	}
	return err
}
