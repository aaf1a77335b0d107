package togetherv1

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	name      = "together-v1"
	baseURL   = "https://api.together.ai"
	endpoints = "/v1/endpoints"
	maxName   = 100 // bytes; no limit is documented, and our names are at most 95
	maxDetail = 80  // bytes of a state word that are kept
)

// closedCode is what the service says since it creates no more v1 endpoints.
const closedCode = "endpoints_v1_create_access_disabled"

// cloud implements [provider.Provider].
type cloud struct {
	rest      *provider.Client
	inference string
}

// New returns the provider. Settings.BaseURL is the root of the host, without
// /v1; with it and no InferenceURL the data plane is taken to be at BaseURL/v1,
// so that prompts never leave for another host than the one that was named. A
// key belongs to one project: Settings.Project is not used.
func New(s provider.Settings) (provider.Provider, error) {
	rest, err := provider.NewClient(name, baseURL, s)
	if err != nil {
		return nil, err
	}
	inference, err := provider.ParseBaseURL(s.InferenceURL, rest.BaseURL()+"/v1")
	if err != nil {
		return nil, &provider.Error{Kind: provider.Refused, Op: name + ": inference URL", Message: err.Error()}
	}
	return &cloud{rest: rest, inference: inference}, nil
}

// Capabilities implements [provider.Provider]: what the API has calls for. That
// the service refuses to create and to start today is an error of those calls, which
// names package together's provider, and not a capability that is missing.
func (*cloud) Capabilities() provider.Capabilities {
	return provider.Capabilities{
		CanStop: true, CanStart: true, CanScale: true, CanFind: true, SetsIdle: true, NameLength: maxName,
	}
}

// createRequest is CreateEndpointRequest, whole. Zero is sent where it means
// that nothing is asked for, so that no default of the service can creep in.
type createRequest struct {
	DisplayName        string      `json:"display_name"`
	Model              string      `json:"model"`
	Hardware           string      `json:"hardware"`
	Autoscaling        autoscaling `json:"autoscaling"`
	DisablePromptCache bool        `json:"disable_prompt_cache"`
	DisableSpeculative bool        `json:"disable_speculative_decoding"`
	State              string      `json:"state"`
	InactiveTimeout    int         `json:"inactive_timeout"` // minutes; 0 is never
	AvailabilityZone   string      `json:"availability_zone,omitempty"`
}

type autoscaling struct {
	Min int `json:"min_replicas"`
	Max int `json:"max_replicas"`
}

// Create implements [provider.Provider].
func (c *cloud) Create(ctx context.Context, display string, shape provider.Shape) (provider.State, error) {
	body := createRequest{
		DisplayName: display, Model: shape.Model, Hardware: hardwareID(shape.GPU),
		Autoscaling: autoscaling{Min: shape.Replicas.Min, Max: shape.Replicas.Max},
		State:       "STARTED", InactiveTimeout: wholeMinutes(shape.IdleStop), AvailabilityZone: shape.Region,
	}
	const op = "create endpoint"
	if problems := provider.ReadOptions(shape.Options, body.options()); len(problems) > 0 {
		return provider.State{}, refusal(op, problems)
	}
	var reply endpoint
	call := provider.Call{Op: op, Method: http.MethodPost, Path: endpoints, Body: body, Creates: true}
	if err := c.rest.Do(ctx, call, &reply); err != nil {
		return provider.State{}, closed(err, "creates no more v1 endpoints")
	}
	state := c.state(&reply)
	state.Name, state.Shape = display, shape
	if !reply.State.Known {
		state.Phase = provider.Provisioning
	}
	return state, nil
}

// options are the fields of a create that a shape has no other words for.
func (r *createRequest) options() map[string]any {
	return map[string]any{
		"disable_prompt_cache":         &r.DisablePromptCache,
		"disable_speculative_decoding": &r.DisableSpeculative,
	}
}

// Scale implements [provider.Provider].
func (c *cloud) Scale(ctx context.Context, id string, replicas provider.Replicas) error {
	return c.patch(ctx, "scale endpoint", id, map[string]any{"autoscaling": autoscaling{Min: replicas.Min, Max: replicas.Max}})
}

// Start implements [provider.Provider].
func (c *cloud) Start(ctx context.Context, id string) error {
	err := c.patch(ctx, "start endpoint", id, map[string]any{"state": "STARTED"})
	return closed(err, "starts no v1 endpoint that is stopped")
}

// Stop implements [provider.Provider].
func (c *cloud) Stop(ctx context.Context, id string) error {
	return unlessAbsent(c.patch(ctx, "stop endpoint", id, map[string]any{"state": "STOPPED"}))
}

// Delete implements [provider.Provider]. One call is enough.
func (c *cloud) Delete(ctx context.Context, id string) error {
	call, err := callOne("delete endpoint", http.MethodDelete, id)
	if err != nil {
		return err
	}
	return unlessAbsent(c.rest.Do(ctx, call, nil))
}

func (c *cloud) patch(ctx context.Context, op, id string, fields map[string]any) error {
	call, err := callOne(op, http.MethodPatch, id)
	if err != nil {
		return err
	}
	call.Body = fields
	return c.rest.Do(ctx, call, nil)
}

// callOne is a call about one endpoint. Without an id it would be about all.
func callOne(op, method, id string) (provider.Call, error) {
	if id == "" {
		return provider.Call{}, refusal(op, []string{"no endpoint id"})
	}
	return provider.Call{Op: op + " " + provider.Clip(id, maxName), Method: method, Path: endpoints + "/" + url.PathEscape(id)}, nil
}

// closed says in plain words that the service has done with v1, if that is
// what an error says in its own.
func closed(err error, does string) error {
	said, ok := err.(*provider.Error)
	if !ok || said.Status != http.StatusForbidden || !strings.Contains(said.Code+" "+said.Message, closedCode) {
		return err
	}
	plain := *said
	plain.Kind, plain.Code = provider.Refused, closedCode
	plain.Message = "Together " + does + "; use provider: together, which rents by version 2"
	return &plain
}

func refusal(op string, problems []string) error {
	message := provider.Clip(strings.Join(problems, "; "), maxProblems)
	return &provider.Error{Kind: provider.Refused, Op: name + ": " + op, Message: message}
}

// wholeMinutes rounds up: what asks to be stopped when idle must not come out
// as never.
func wholeMinutes(d time.Duration) int {
	return int((max(d, 0) + time.Minute - 1) / time.Minute)
}

func unlessAbsent(err error) error {
	if provider.Absent(err) {
		return nil
	}
	return err
}
