package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// providers checks every provider whose token is set here.
func (d *doctor) providers(ctx context.Context, settings activities.Providers) {
	checked := 0
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if !isSet(name, settings[name]) {
			continue
		}
		checked++
		d.check(ctx, "provider "+name, func(ctx context.Context) finding { return checkProvider(ctx, name, settings[name]) })
	}
	if checked == 0 {
		d.skip("providers", "no token is set here; it may be for the workers")
	}
}

// isSet tells whether a provider can be asked from here.
func isSet(name string, settings provider.Settings) bool {
	if !registry.Rents(name) { // its token is optional, its address not
		return settings.InferenceURL != ""
	}
	return settings.Token != ""
}

func checkProvider(ctx context.Context, name string, settings provider.Settings) finding {
	opened, err := registry.Open(name, settings)
	if err != nil {
		return finding{err: err, remedy: providerRemedy(name, err)}
	}
	states, err := opened.List(ctx)
	if err != nil {
		return finding{err: err, remedy: providerRemedy(name, err)}
	}
	offers, err := opened.Catalogue(ctx, "")
	return finding{detail: countOf(int64(len(states)), "endpoint") + ", " + countOf(int64(len(offers)), "offer"), err: err, remedy: providerRemedy(name, err)}
}

func providerRemedy(name string, err error) string {
	variables, unknown := registry.VariablesOf(name)
	switch {
	case err == nil:
		return ""
	case unknown != nil:
		return "a provider that is known: " + strings.Join(registry.Names(), ", ")
	case provider.KindOf(err) == provider.Unauthorized:
		return "a valid token in " + variables.Token
	case provider.KindOf(err) == provider.Unavailable:
		return "again in a minute; if it stays so, is " + variables.BaseURL + " right?"
	}
	return "are the variables that begin with " + variables.Prefix + " right? see: nightshift endpoints list --provider " + name + " --help"
}

// endpoints checks whether what the job may rent is offered, and at what price.
func (d *doctor) endpoints(ctx context.Context, spec jobs.Spec, settings activities.Providers, priced prices.Prices) {
	asking := &activities.Endpoints{Providers: settings, Prices: priced.Of}
	for _, endpoint := range spec.Choices() {
		what := "endpoint " + endpoint.String()
		here, known := settings[endpoint.Provider]
		addressed := !registry.Rents(endpoint.Provider) && endpoint.BaseURL != ""
		if known && !addressed && !isSet(endpoint.Provider, here) {
			d.skip(what, endpoint.Provider+" is not set up here; it may be for the workers")
			continue
		}
		d.check(ctx, what, func(ctx context.Context) finding {
			terms, err := asking.CheckEndpoint(ctx, workflows.CheckCall{Endpoint: endpoint, Limits: spec.Limits})
			f := finding{detail: describeTerms(endpoint, terms), err: err, remedy: endpointRemedy(endpoint, err)}
			if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
				f.err = errors.New(failure.Message())
			}
			return f
		})
	}
}

// endpointRemedy is what to do about an endpoint that cannot be had.
func endpointRemedy(endpoint jobs.Endpoint, err error) string {
	failure, _ := errors.AsType[*temporal.ApplicationError](err)
	switch {
	case err == nil:
		return ""
	case failure != nil && failure.Type() == jobs.InvalidInput: // which says what to set
		return "correct the job's limits or price"
	case failure != nil && failure.Type() == jobs.EndpointRefused:
		return "what is offered: nightshift endpoints hardware --provider " + endpoint.Provider
	}
	if variables, err := registry.VariablesOf(endpoint.Provider); err == nil {
		return "are " + variables.Token + " and " + variables.BaseURL + " right?"
	}
	return "a provider that is known: " + strings.Join(registry.Names(), ", ")
}

func describeTerms(endpoint jobs.Endpoint, terms workflows.Terms) string {
	switch {
	case terms.GPUs == 0:
		return fmt.Sprintf("nothing is rented from %s for it", endpoint.Provider)
	case terms.Price.IsZero():
		return "offered; nobody tells a price: set endpoint.price_per_gpu_hour, or use --prices"
	}
	return fmt.Sprintf("offered; %s for a replica for an hour, says %s", terms.Price, terms.PriceFrom)
}
