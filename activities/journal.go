package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// journal is what is written into the job's workspace before an endpoint is
// touched that cannot be recognised by its name.
type journal struct {
	At time.Time `json:"at"`

	// Of a provider that keeps no names: the endpoints that were there before
	// create was called, and the one that it made, once that is known.
	Listed []string `json:"listed,omitempty"`
	ID     string   `json:"id,omitempty"`

	// Of an endpoint that the job names: it held no GPU when it was found.
	FoundOff bool `json:"found_off,omitempty"`
}

// maxJournal bounds what is read of a journal: about 100,000 ids.
const maxJournal = 8 << 20

func (e *Endpoints) readJournal(ctx context.Context, output, job string) (journal, error) {
	var j journal
	reader, err := e.Store.Open(ctx, workspaceOf(output, job).journal(), bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return j, errNoJournal
	}
	if err != nil {
		return j, err
	}
	defer reader.Close()
	if err := json.NewDecoder(io.LimitReader(reader, maxJournal)).Decode(&j); err != nil {
		return j, fmt.Errorf("read the journal %s: %w", workspaceOf(output, job).journal(), err)
	}
	return j, nil
}

func (e *Endpoints) writeJournal(ctx context.Context, output, job string, j journal) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	_, err = e.Store.Put(ctx, workspaceOf(output, job).journal(), text, bucket.PutOptions{ContentType: "application/json"})
	return err
}

// take uses the endpoint that the job names. That it was found off is written
// down before it is started: once written it stays, whatever is found later.
func (c *creation) take(ctx context.Context) (workflows.EndpointCreated, error) {
	id := c.call.Endpoint.ID
	state, err := c.Describe(ctx, id)
	if err != nil {
		return workflows.EndpointCreated{}, err
	}
	if state.Phase == provider.Gone {
		return workflows.EndpointCreated{}, final(jobs.EndpointRefused, fmt.Sprintf("%s has no endpoint with id %q", c.call.Endpoint.Provider, id))
	}
	off := state.Phase == provider.Stopped || state.Phase == provider.Stopping
	before, err := c.endpoints.readJournal(ctx, c.call.Output, c.call.Job)
	if err != nil && !errors.Is(err, errNoJournal) {
		return workflows.EndpointCreated{}, err
	}
	if off && !before.FoundOff {
		err := c.endpoints.writeJournal(ctx, c.call.Output, c.call.Job, journal{At: time.Now(), ID: id, FoundOff: true})
		if err != nil {
			return workflows.EndpointCreated{}, err
		}
	}
	if off {
		if err := c.Start(ctx, id); err != nil {
			return workflows.EndpointCreated{}, err
		}
	}
	taken := c.made(state)
	taken.Adopted = true
	return taken, nil
}

// turns lets one creation at a time look for the difference that it makes in a
// provider's listing. It does so within this process; beyond it, two jobs that
// create the same shape at the same moment are told apart only by luck, and
// what cannot be told apart is an error.
type turns struct {
	mu  sync.Mutex
	now map[string]*sync.Mutex
}

func (t *turns) take(name string) (done func()) {
	t.mu.Lock()
	if t.now == nil {
		t.now = map[string]*sync.Mutex{}
	}
	if t.now[name] == nil {
		t.now[name] = new(sync.Mutex)
	}
	turn := t.now[name]
	t.mu.Unlock()
	turn.Lock()
	return turn.Unlock
}

// unnamed creates an endpoint that bears no name.
func (c *creation) unnamed(ctx context.Context) (workflows.EndpointCreated, error) {
	defer c.endpoints.creating.take(c.call.Endpoint.Provider)()
	j, err := c.endpoints.readJournal(ctx, c.call.Output, c.call.Job)
	switch {
	case errors.Is(err, errNoJournal):
		j, err = c.openJournal(ctx)
	case err == nil:
		var before provider.State
		if before, err = c.madeBefore(ctx, j); err == nil && before.ID != "" {
			return c.adopt(ctx, before)
		}
		if err == nil && j.ID != "" { // that one is gone: this is another rental
			j, err = c.openJournal(ctx)
		}
	}
	if err != nil {
		return workflows.EndpointCreated{}, err
	}
	state, err := c.create(ctx)
	if err != nil && provider.KindOf(err) != provider.Ambiguous {
		return workflows.EndpointCreated{}, err
	}
	if err != nil {
		found, failed := c.settle(ctx, j)
		if failed != nil || found.ID == "" {
			return workflows.EndpointCreated{}, errors.Join(err, failed)
		}
		state = found
	}
	j.ID = state.ID
	if err := c.endpoints.writeJournal(ctx, c.call.Output, c.call.Job, j); err != nil {
		return workflows.EndpointCreated{}, err
	}
	return c.made(state), nil
}

// openJournal writes down what is there before create is called. A provider
// that does not list is created at all the same: there the answer to create is
// all that is ever known.
func (c *creation) openJournal(ctx context.Context) (journal, error) {
	j := journal{At: time.Now()}
	states, err := c.List(ctx)
	if kind := provider.KindOf(err); err != nil && (kind != provider.Refused || !c.Capabilities().AskItself) {
		return j, err
	}
	for _, state := range states {
		j.Listed = append(j.Listed, state.ID)
	}
	return j, c.endpoints.writeJournal(ctx, c.call.Output, c.call.Job, j)
}

// madeBefore returns what an earlier attempt made and still runs, if anything.
func (c *creation) madeBefore(ctx context.Context, j journal) (provider.State, error) {
	if j.ID == "" {
		return c.settle(ctx, j)
	}
	state, err := c.Describe(ctx, j.ID)
	switch state.Phase {
	case provider.Gone, provider.Failed, provider.Stopping, provider.Stopped:
		return provider.State{}, err
	}
	return state, err
}

// settle waits for an endpoint that an earlier create may have made.
func (c *creation) settle(ctx context.Context, j journal) (provider.State, error) {
	var found provider.State
	var err error
	for until := time.Now().Add(settleAfterCreate); found.ID == "" && time.Now().Before(until) && pause(ctx, time.Second); {
		found, err = difference(ctx, c.Provider, j, c.call.Endpoint)
	}
	return found, err
}

// clockSkew is how far the provider's clock may lag behind ours.
const clockSkew = 2 * time.Minute

// difference is the one endpoint of the job's model that the listing has now
// and did not have when the journal was opened; none if there is no such, an
// error if there are several: which of them to touch is not for a program to
// guess.
func difference(ctx context.Context, p provider.Provider, j journal, endpoint jobs.Endpoint) (provider.State, error) {
	states, err := p.List(ctx)
	if err != nil {
		return provider.State{}, err
	}
	states = slices.DeleteFunc(states, func(s provider.State) bool {
		return s.Phase == provider.Gone || slices.Contains(j.Listed, s.ID) ||
			s.Shape.Model != "" && s.Shape.Model != endpoint.Model ||
			!s.CreatedAt.IsZero() && s.CreatedAt.Before(j.At.Add(-clockSkew))
	})
	switch len(states) {
	case 0:
		return provider.State{}, nil
	case 1:
		return states[0], nil
	}
	ids := make([]string, len(states))
	for i, state := range states {
		ids[i] = state.ID
	}
	return provider.State{}, fmt.Errorf("%s keeps no names, and several endpoints of %s have come into being at the same time: "+
		"look which is this job's, and delete it by hand: %s", endpoint.Provider, endpoint.Model, strings.Join(ids, ", "))
}

// settleByJournal completes what is to be released by what the journal says.
// left means that nothing is to be done: how says why.
func (e *Endpoints) settleByJournal(ctx context.Context, r *release, call workflows.ReleaseCall) (left bool, how string, err error) {
	capabilities := r.provider.Capabilities()
	if capabilities.Exists {
		return true, "it was there before the job and is left as it is", nil
	}
	if capabilities.CanFind && call.Endpoint.ID == "" {
		return false, "", nil
	}
	j, err := e.readJournal(ctx, call.Output, call.Job)
	switch none := errors.Is(err, errNoJournal); {
	case err != nil && !none:
		return false, "", err
	case call.Endpoint.ID != "" && !j.FoundOff:
		return true, "it was running before the job and is left running", nil
	case none && call.ID == "":
		return true, "none was ever asked for", nil
	}
	if r.id == "" {
		r.id = j.ID
	}
	if r.id == "" {
		late, err := difference(ctx, r.provider, j, call.Endpoint)
		if err != nil {
			return false, "", err
		}
		r.id = late.ID
	}
	return false, "", nil
}
