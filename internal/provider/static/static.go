// Package static is for an endpoint that exists already: a vLLM, llama.cpp or
// Ollama server of one's own, or anything else that is OpenAI-compatible.
// Nothing is rented, so that nothing can be left running.
//
// What is particular about it:
//
//   - The base URL comes from Settings.InferenceURL, or else from BaseURL: there
//     is no control plane to tell apart. The token is optional. Create calls nobody: it adopts what is there.
//   - An endpoint's id is its base URL, with the model behind a #, since the
//     state read from an id must name the model again.
//   - GET /models is all that these servers have in common. A server that
//     answers it is Ready; one that has no such route (404, 405) is as well, and
//     the caller's first completion shows whether it serves.
//   - A server that does not answer, or answers 5xx as llama.cpp does while it
//     loads a model, is Unavailable and never Gone: it may be restarting, it
//     costs nothing while it is waited for, and there is no other to rent.
//   - Stop, Start and Delete have nothing to do. Scale is Refused.
package static

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	name        = "static"
	maxProblems = 4000 // bytes of the text about a shape: a dozen names of models may be paths of files
)

// server implements [provider.Provider].
type server struct {
	rest *provider.Client
}

// New returns the provider. Settings.Project is not used.
func New(s provider.Settings) (provider.Provider, error) {
	s.BaseURL = cmp.Or(s.InferenceURL, s.BaseURL)
	if s.BaseURL == "" {
		return nil, &provider.Error{Kind: provider.Refused, Op: name, Message: "no base URL: " +
			"set base_url in the job's endpoint to where the server's API begins, such as http://127.0.0.1:8000/v1"}
	}
	rest, err := provider.NewOpenClient(name, "", s)
	if err != nil {
		return nil, err
	}
	return &server{rest: rest}, nil
}

// Capabilities implements [provider.Provider].
func (*server) Capabilities() provider.Capabilities {
	return provider.Capabilities{Exists: true}
}

// Catalogue implements [provider.Provider]: what the server serves, if it
// tells. Prices it does not know.
func (s *server) Catalogue(ctx context.Context, model string) ([]provider.Offer, error) {
	served, _, err := s.models(ctx)
	if err != nil {
		return nil, err
	}
	var offers []provider.Offer
	for _, id := range served {
		if model == "" || means(model, id) {
			offers = append(offers, provider.Offer{Model: id, Stock: provider.Available})
		}
	}
	return offers, nil
}

// Check implements [provider.Provider]. It compares the model with what the
// server lists, if it has a list. The offer's GPU is what the shape says: a
// server does not tell.
func (s *server) Check(ctx context.Context, shape provider.Shape) (provider.Offer, error) {
	served, told, err := s.models(ctx)
	if err != nil {
		return provider.Offer{}, err
	}
	var problems []string
	isServed := slices.ContainsFunc(served, func(id string) bool { return means(shape.Model, id) })
	switch {
	case shape.Model == "":
		problems = append(problems, "model is missing")
	case told && !isServed:
		problems = append(problems, provider.NotOneOf("model", shape.Model, served))
	}
	for _, field := range []struct{ name, value string }{{"flavor", shape.Flavor}, {"region", shape.Region}} {
		if field.value != "" {
			problems = append(problems, field.name+": an endpoint that exists already has none to choose")
		}
	}
	problems = append(problems, provider.ReadOptions(shape.Options, nil)...)
	if len(problems) > 0 {
		return provider.Offer{}, refused("check shape", provider.Clip(strings.Join(problems, "; "), maxProblems))
	}
	return provider.Offer{Model: shape.Model, GPU: shape.GPU, Stock: provider.Available}, nil
}

// List implements [provider.Provider]: nothing is ours to find or to sweep.
func (*server) List(context.Context) ([]provider.State, error) { return nil, nil }

// Create implements [provider.Provider] without a call: what exists is adopted,
// under no name, as often as it is asked for.
func (s *server) Create(_ context.Context, _ string, shape provider.Shape) (provider.State, error) {
	if shape.Model == "" {
		return provider.State{}, refused("create endpoint", "model is missing")
	}
	state := s.state(shape.Model)
	state.Shape = shape
	return state, nil
}

// Describe implements [provider.Provider] by asking for the models, whatever
// they are.
func (s *server) Describe(ctx context.Context, id string) (provider.State, error) {
	base, model, _ := strings.Cut(id, "#")
	if base != s.rest.BaseURL() {
		return provider.State{}, refused("describe endpoint", provider.Clip(id, maxProblems)+" is not at "+s.rest.BaseURL())
	}
	if err := s.rest.Do(ctx, modelsCall, nil); err != nil && !untold(err) {
		return provider.State{}, err
	}
	return s.state(model), nil
}

func (s *server) state(model string) provider.State {
	return provider.State{
		ID: s.rest.BaseURL() + "#" + model, Phase: provider.Ready, Detail: "exists already", ReadyReplicas: 1,
		BaseURL: s.rest.BaseURL(), Model: model, Shape: provider.Shape{Model: model},
	}
}

// Scale implements [provider.Provider] by refusing.
func (*server) Scale(context.Context, string, provider.Replicas) error {
	return refused("scale endpoint", "an endpoint that exists already is not scaled from here")
}

// Start implements [provider.Provider]: nothing to do, since it runs.
func (*server) Start(context.Context, string) error { return nil }

// Stop implements [provider.Provider]: nothing to do, since it is not ours.
func (*server) Stop(context.Context, string) error { return nil }

// Delete implements [provider.Provider]: nothing to do, since it is not ours.
// Describe goes on to say Ready.
func (*server) Delete(context.Context, string) error { return nil }

func refused(op, message string) error {
	return &provider.Error{Kind: provider.Refused, Op: name + ": " + op, Message: message}
}

var modelsCall = provider.Call{Op: "list models", Method: http.MethodGet, Path: "/models"}
