package lyceum

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// maxProblems bounds the text about a shape, in bytes.
const maxProblems = 2000

// createRequest is the body of create. The scaling targets are required, though
// the documentation gives their defaults: those are the command-line tool's.
type createRequest struct {
	Model      string  `json:"hf_model_id"`
	Profile    string  `json:"hardware_profile"`
	RPS        float64 `json:"target_rps"`            // of each replica, beyond which there are more
	LatencyP95 float64 `json:"target_latency_p95_ms"` // beyond which there are more replicas
	Window     int     `json:"stabilisation_window"`  // seconds before there are fewer replicas
	HFToken    string  `json:"hf_token,omitempty"`
	Min        int     `json:"min_replicas"`
	Max        int     `json:"max_replicas"`
}

// request translates a shape, or names everything that is wrong with it.
func (c *cloud) request(shape provider.Shape) (createRequest, error) {
	body := createRequest{
		Model: shape.Model, Profile: shape.GPU.Type, RPS: 10, LatencyP95: 5000, Window: 300,
		Min: shape.Replicas.Min, Max: shape.Replicas.Max,
	}
	var reference string
	problems := provider.ReadOptions(shape.Options, map[string]any{
		"target_rps": &body.RPS, "target_latency_p95_ms": &body.LatencyP95, "stabilisation_window": &body.Window,
		"hf_token": &reference,
	})
	problems = append(misfits(shape, body), problems...)
	if _, gated := shape.Options["hf_token"]; gated {
		var problem string
		if body.HFToken, problem = c.settings.hfToken(reference); problem != "" {
			problems = append(problems, problem)
		}
	}
	if len(problems) > 0 {
		message := provider.Clip(strings.Join(problems, "; "), maxProblems)
		return createRequest{}, &provider.Error{Kind: provider.Refused, Op: "lyceum: check shape", Message: message}
	}
	return body, nil
}

// misfits names what of a shape create has no field for, or would refuse.
func misfits(shape provider.Shape, body createRequest) []string {
	var problems []string
	for _, field := range []struct {
		wrong   bool
		problem string
	}{
		{shape.Model == "", "model is missing: the id of a model at Hugging Face"},
		{shape.Flavor != "", "flavor is not known to Lyceum: leave it out"},
		{shape.GPU.Type == "", "gpu.type is missing: a hardware profile such as gpu.h100"},
		{shape.GPU.Count != 1, fmt.Sprintf("gpu.count %d: Lyceum takes no count, a replica is 1 hardware profile", shape.GPU.Count)},
		{shape.Region != "", "region is not known to Lyceum: leave it out"},
		{shape.Replicas.Min < 1, "replicas.min must be at least 1"},
		{shape.Replicas.Max < shape.Replicas.Min, "replicas.max must not be below replicas.min"},
		{!positive(body.RPS), "options.target_rps must be above 0"},
		{!positive(body.LatencyP95), "options.target_latency_p95_ms must be above 0"},
		{body.Window < 0, "options.stabilisation_window must not be below 0"},
	} {
		if field.wrong {
			problems = append(problems, field.problem)
		}
	}
	return problems
}

func positive(n float64) bool { return n > 0 && !math.IsInf(n, 1) }

// Check implements [provider.Provider]. There is no catalogue of models or
// hardware profiles, so that whether they exist is left for create to say,
// which refuses them at once.
func (c *cloud) Check(ctx context.Context, shape provider.Shape) (provider.Offer, error) {
	body, err := c.request(shape)
	if err != nil {
		return provider.Offer{}, err
	}
	prices, err := c.prices(ctx)
	if err != nil {
		return provider.Offer{}, err
	}
	return offer(body.Model, body.Profile, prices[body.Profile]), nil
}

// Create implements [provider.Provider]. Lyceum keeps no name.
func (c *cloud) Create(ctx context.Context, _ string, shape provider.Shape) (provider.State, error) {
	body, err := c.request(shape)
	if err != nil {
		return provider.State{}, err
	}
	call := c.call("create deployment", http.MethodPost, createPath)
	call.Creates, call.Body, call.Secret = true, body, body.HFToken
	var reply deployment
	if err := c.rest.Do(ctx, call, &reply); err != nil {
		return provider.State{}, err
	}
	state := c.state(&reply)
	state.Shape = shape
	if !reply.Status.Known {
		state.Phase = provider.Provisioning
	}
	return state, nil
}
