package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// stage is what a case plays on: a provider in front of a cloud of its own.
type stage struct {
	*testing.T
	provider.Provider
	harness Harness
	cloud   *sim.Cloud
	http    *http.Client
	shape   provider.Shape
	name    provider.Name // as long as names get
	ctx     context.Context
}

func newStage(t *testing.T, h Harness) *stage {
	options := h.Cloud
	options.Token, options.WarmUp, options.Drain = token, warmUp, drain
	cloud := sim.New(options)
	t.Cleanup(cloud.Close)
	s := &stage{
		T: t, harness: h, cloud: cloud, http: serve(t, cloud), shape: h.Shape, ctx: t.Context(),
		name: provider.Name{
			Installation: strings.Repeat("i", 12), Job: strings.Repeat("job-", 15) + "end",
			Deadline: time.Now().Add(time.Hour).Truncate(time.Second).UTC(),
		},
	}
	s.Provider = s.open(token)
	return s
}

func (s *stage) open(token string) provider.Provider {
	s.Helper()
	p, err := s.harness.Open(provider.Settings{Token: token, BaseURL: "http://cloud.test", HTTPClient: s.http})
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// sweep deletes all that is listed, as a sweep would, and then asks the ledger.
func (s *stage) sweep() {
	s.Helper()
	s.cloud.ClearFaults()
	for _, state := range s.list() {
		s.remove(state.ID)
	}
	for _, left := range s.list() {
		if !left.Phase.Off() {
			s.Errorf("still listed at the end: %+v", left)
		}
	}
	if running := s.cloud.Ledger().Running(); len(running) > 0 {
		s.Errorf("still running at the end: %+v", running)
	}
}

// create creates an endpoint without trouble.
func (s *stage) create() provider.State {
	s.Helper()
	state, err := s.Create(s.ctx, s.name.String(), s.shape)
	if err != nil {
		s.Fatalf("create: %v", err)
	}
	named := s.name.Owns(state.Name) || !s.Capabilities().CanFind
	if state.ID == "" || !named || state.Phase.Off() || state.Phase.Usable() {
		s.Errorf("created: %+v", state)
	}
	return state
}

// ready creates an endpoint and waits until it serves.
func (s *stage) ready() provider.State {
	s.Helper()
	id := s.create().ID
	time.Sleep(warmUp) // which spares most of the polling
	return s.await(id, provider.Ready)
}

// remove deletes an endpoint as the workflows do: again and again, until the
// provider does not know it any more.
func (s *stage) remove(id string) {
	s.Helper()
	for begun := time.Now(); s.describe(id).Phase != provider.Gone; time.Sleep(pollEvery) {
		if err := s.Delete(s.ctx, id); err != nil {
			s.sorted(err, provider.Unavailable)
		}
		if time.Since(begun) > patience {
			s.Fatalf("endpoint %s is not gone", id)
		}
	}
}

func (s *stage) checkShape(shape provider.Shape) error {
	_, err := s.Check(s.ctx, shape)
	return err
}

// list lists without trouble.
func (s *stage) list() []provider.State {
	s.Helper()
	states, err := s.List(s.ctx)
	if err != nil {
		s.Fatalf("list: %v", err)
	}
	return states
}

// owned returns what the listing shows under the case's name; or, if names
// cannot be found, all of it.
func (s *stage) owned() []provider.State {
	s.Helper()
	states := s.list()
	if s.Capabilities().CanFind {
		states = slices.DeleteFunc(states, func(state provider.State) bool { return !s.name.Owns(state.Name) })
	}
	return states
}

var phases = []provider.Phase{
	provider.Partial, provider.Provisioning, provider.Ready, provider.Degraded, provider.Stalled,
	provider.Stopping, provider.Stopped, provider.Failed, provider.Gone, provider.Unknown,
}

// describe reads the state without trouble, and compares the phases that prove
// something with the ledger.
func (s *stage) describe(id string) provider.State {
	s.Helper()
	state, err := s.Describe(s.ctx, id)
	if err != nil {
		s.Fatalf("describe %s: %v", id, err)
	}
	if state.ID != id || !slices.Contains(phases, state.Phase) {
		s.Errorf("described: %+v", state)
	}
	for _, running := range s.cloud.Ledger().Running() {
		if running.ID == id && state.Phase.Off() {
			s.Errorf("phase %s, but the ledger says %s", state.Phase, running.State)
		}
	}
	return state
}

// await polls until the endpoint is in the phase wanted.
func (s *stage) await(id string, want provider.Phase) provider.State {
	s.Helper()
	for begun := time.Now(); ; time.Sleep(pollEvery) {
		state := s.describe(id)
		if state.Phase == want {
			return state
		}
		if time.Since(begun) > patience {
			s.Fatalf("endpoint %s is %s (%s), never %s", id, state.Phase, state.Detail, want)
		}
	}
}

// sorted checks that err is of one of the kinds, and fit for a log.
func (s *stage) sorted(err error, kinds ...provider.Kind) *provider.Error {
	s.Helper()
	sorted, ok := errors.AsType[*provider.Error](err)
	if !ok {
		s.Fatalf("error %v, want kind %v", err, kinds)
	}
	if !slices.Contains(kinds, sorted.Kind) {
		s.Errorf("error %q is of kind %s, want %v", err, sorted.Kind, kinds)
	}
	if text := err.Error(); strings.Contains(text, token) || strings.Contains(text, "\n") || sorted.Op == "" {
		s.Errorf("error is not fit for a log: %q", text)
	}
	return sorted
}

// chat sends one small request to the endpoint and returns the status.
func (s *stage) chat(state provider.State) int {
	s.Helper()
	body, err := json.Marshal(map[string]any{
		"model": state.Model, "max_tokens": 1, "messages": []map[string]string{{"role": "user", "content": "ping"}},
	})
	if err != nil {
		s.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, state.BaseURL+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		s.Fatal(err)
	}
	return response.StatusCode
}
