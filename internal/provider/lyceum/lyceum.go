// Package lyceum drives dedicated inference of Lyceum over its external API,
// version v2.
//
// What is particular about it:
//
//   - Only create is documented as a REST call. That deployments can be listed,
//     inspected and stopped is documented too, but as verbs of a command-line
//     tool; their paths, and what a listing looks like, are not.
//   - A deployment has an id, which requests carry as their model, and neither
//     name nor label. What a lost create made can only be found by comparing
//     the listing with an earlier one.
//   - Every deployment pauses after an hour without requests: its replicas are
//     given back, billing ends, and the next request starts it again and waits
//     for it. Nothing turns that off, and it is the only guard that needs none
//     of the assumptions below.
//   - The stop is final as far as is known, so that it is what Delete calls.
//     There is no documented call to start, to scale or to keep a deployment
//     that is off.
//   - A replica has one GPU profile; there is no count of GPUs, flavor or region.
//   - A lack of GPUs is reported as HTTP 500 with "could not be provisioned".
//
// # Settings
//
// What is assumed can be corrected by the operator, in the environment or where
// else Settings.Lookup looks. The defaults follow the documented paths of the
// same service's virtual machines. All paths begin at the root of the host.
//
//	LYCEUM_LIST_PATH       /api/v2/external/inference/list   GET; may have a query, such as ?all=true
//	LYCEUM_STOP_METHOD     DELETE                            or POST, PUT, PATCH
//	LYCEUM_STOP_PATH       /api/v2/external/inference/{id}   must hold {id}
//	LYCEUM_INFERENCE_PATH  /api/v2/external                  below it, /chat/completions
//	LYCEUM_HF_TOKEN        none                              see below
//
// If the listing is not where it is assumed, nothing can be proved: List says
// which setting to correct, and Describe says Unknown, so that its caller asks
// the deployment itself. A missing page is never taken for a missing deployment.
//
// # Words
//
// Of the status words, "pending", "paused" and "stopped" are documented for
// deployments. "starting", "running", "stopping", "failed", "terminated" and
// "deleted" are taken from the service's other resources, and every other word
// is Unknown. A deployment is Ready when its healthy replicas are, where the
// listing tells how many there are.
//
// # Gated models
//
// The option hf_token names a Hugging Face token and is never the token itself,
// which would then lie in job files and histories: "default" stands for the
// setting LYCEUM_HF_TOKEN, and another name for LYCEUM_HF_TOKEN_ and that name
// in upper case. The other options are the scaling targets that create demands;
// their defaults are those of the service's command-line tool.
package lyceum

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	baseURL     = "https://api.lyceum.technology"
	api         = "/api/v2/external"
	createPath  = api + "/inference/create"
	pricingPath = api + "/pricing"
	maxID       = 100 // bytes of an id that are repeated in errors
)

// cloud implements [provider.Provider]. It keeps no Hugging Face token, only
// the way to look one up.
type cloud struct {
	rest     *provider.Client
	settings settings
}

// New returns the provider. Settings.Project is the slug of the organization
// that is billed, where the token does not tell; Settings.InferenceURL beats
// LYCEUM_INFERENCE_PATH. An error names everything that is wrong with the
// settings.
func New(s provider.Settings) (provider.Provider, error) {
	rest, err := provider.NewClient("lyceum", baseURL, s)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(s, rest.BaseURL())
	if err != nil {
		return nil, err
	}
	return &cloud{rest: rest, settings: settings}, nil
}

// Capabilities implements [provider.Provider].
func (*cloud) Capabilities() provider.Capabilities {
	return provider.Capabilities{IdleStop: time.Hour, AskItself: true}
}

// List implements [provider.Provider]. States have no names.
func (c *cloud) List(ctx context.Context) ([]provider.State, error) {
	listed, err := c.deployments(ctx)
	switch {
	case notThere(err):
		return nil, misplaced(err, listSetting)
	case err != nil:
		return nil, err
	case listed.partial != "":
		return nil, incomplete(listed)
	}
	states := []provider.State{}
	for i := range listed.items {
		if state := c.state(&listed.items[i]); state.Phase != provider.Gone {
			states = append(states, state)
		}
	}
	return states, nil
}

// Describe implements [provider.Provider] by listing. Without a listing the
// phase is Unknown; that an endpoint is Gone, only a whole listing can say.
func (c *cloud) Describe(ctx context.Context, id string) (provider.State, error) {
	listed, err := c.deployments(ctx)
	if notThere(err) {
		return provider.State{
			ID: id, Phase: provider.Unknown, Detail: "no listing at " + listSetting, BaseURL: c.settings.inference, Model: id,
		}, nil
	}
	if err != nil {
		return provider.State{}, err
	}
	for i := range listed.items {
		if d := &listed.items[i]; sameID(d.id(), id) {
			if state := c.state(d); state.Phase != provider.Gone {
				state.ID = id
				return state, nil
			}
		}
	}
	if listed.partial != "" {
		return provider.State{}, incomplete(listed)
	}
	return provider.State{ID: id, Phase: provider.Gone}, nil
}

// Delete implements [provider.Provider] by stopping, which is for good. A 404 or
// 405 may mean that the deployment has ended or that the setting is wrong; the
// listing decides.
func (c *cloud) Delete(ctx context.Context, id string) error {
	if id == "" {
		return &provider.Error{Kind: provider.Refused, Op: "lyceum: stop deployment", Message: "no deployment id"}
	}
	path := strings.ReplaceAll(c.settings.stopPath, "{id}", url.PathEscape(id))
	call := c.call("stop deployment "+provider.Clip(id, maxID), c.settings.stopMethod, path)
	err := c.rest.Do(ctx, call, nil)
	if !notThere(err) {
		return err
	}
	state, unclear := c.Describe(ctx, id)
	switch {
	case unclear != nil:
		return unclear
	case state.Phase == provider.Gone, state.Phase == provider.Stopping:
		return nil
	}
	return misplaced(err, stopMethodSetting+" and "+stopPathSetting)
}

// Scale implements [provider.Provider] by refusing.
func (*cloud) Scale(context.Context, string, provider.Replicas) error {
	return undocumented("scale deployment", "create another one with other bounds")
}

// Start implements [provider.Provider] by refusing.
func (*cloud) Start(context.Context, string) error {
	return undocumented("start deployment", "a request starts one that is paused")
}

// Stop implements [provider.Provider] by refusing: to stop is to delete.
func (*cloud) Stop(context.Context, string) error {
	return undocumented("stop deployment and keep it", "delete it, or leave it to pause after an idle hour")
}

func undocumented(op, instead string) error {
	return &provider.Error{Kind: provider.Refused, Op: "lyceum: " + op, Message: "Lyceum documents no call for that; " + instead}
}

func (c *cloud) deployments(ctx context.Context) (listing, error) {
	var reply listing
	err := c.rest.Do(ctx, c.call("list deployments", http.MethodGet, c.settings.listPath), &reply)
	return reply, err
}

func (c *cloud) call(op, method, path string) provider.Call {
	call := provider.Call{Op: op, Method: method, Path: path}
	if c.settings.org != "" {
		call.Header = http.Header{"X-Org-Slug": {c.settings.org}}
	}
	return call
}

// incomplete is the error for a listing that cannot prove an absence.
func incomplete(l listing) error {
	return &provider.Error{
		Kind: provider.Refused, Op: "lyceum: list deployments",
		Message: "the listing is not whole (" + l.partial + "): give " + listSetting + " a query that asks for all of it",
	}
}

// notThere reports whether err says that there is no such call at that path.
func notThere(err error) bool {
	sorted, ok := errors.AsType[*provider.Error](err)
	return ok && (provider.Absent(err) || sorted.Status == http.StatusMethodNotAllowed)
}

// misplaced says which settings to correct. It has no status: a caller must not
// take it for the absence of an endpoint.
func misplaced(err error, settings string) error {
	sorted, _ := errors.AsType[*provider.Error](err) // notThere said so
	return &provider.Error{
		Kind: provider.Refused, Op: sorted.Op, RequestID: sorted.RequestID,
		Message: fmt.Sprintf("HTTP %d: %s: correct %s, which is an assumption unless set; "+
			"Lyceum pauses a deployment after one hour without requests", sorted.Status, sorted.Message, settings),
	}
}

// sameID compares ids as Lyceum writes them, with or without dashes.
func sameID(a, b string) bool { return strings.EqualFold(undashed(a), undashed(b)) }

func undashed(id string) string { return strings.ReplaceAll(id, "-", "") }
