// Package registry is the list of providers: the one place outside a
// provider's own folder that changes when one is added.
package registry

import (
	"fmt"
	"slices"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/lyceum"
	"github.com/nightshift-run/nightshift/internal/provider/nebius"
	"github.com/nightshift-run/nightshift/internal/provider/static"
	"github.com/nightshift-run/nightshift/internal/provider/together"
	"github.com/nightshift-run/nightshift/internal/provider/togetherv1"
)

// registered has one line a provider: its name in job files, the beginning of
// its environment variables, and how to open it.
var registered = []entry{
	{"lyceum", "LYCEUM", lyceum.New},
	{"nebius", "NEBIUS", nebius.New},
	{"static", "STATIC", static.New},
	{"together", "TOGETHER", together.New},
	{"together-v1", "TOGETHER", togetherv1.New},
}

type entry struct {
	name   string
	prefix string
	open   func(provider.Settings) (provider.Provider, error)
}

// Variables names the environment variables that hold a provider's settings.
// This package does not read them.
type Variables struct {
	Token        string // NEBIUS_API_KEY
	BaseURL      string // NEBIUS_BASE_URL
	InferenceURL string // NEBIUS_INFERENCE_URL
	Project      string // NEBIUS_PROJECT
	Prefix       string // NEBIUS_, of any other setting of the provider: see provider.Settings.Lookup
}

// Names returns the providers' names, sorted.
func Names() []string {
	names := make([]string, len(registered))
	for i, e := range registered {
		names[i] = e.name
	}
	slices.Sort(names)
	return names
}

// VariablesOf returns the names of a provider's environment variables. The
// error for an unknown name lists those known.
func VariablesOf(name string) (Variables, error) {
	e, err := find(name)
	if err != nil {
		return Variables{}, err
	}
	return e.variables(), nil
}

// Rents reports whether endpoints are rented through the provider. Through one
// that does not, jobs reach endpoints that exist already, at addresses that may
// be known to them alone: it has no account to look through.
func Rents(name string) bool {
	_, err := find(name)
	return err == nil && name != "static"
}

// Open makes the provider of that name. It does not call the provider. Errors
// wrap a *provider.Error: Refused for an unknown name, with those known, and for
// malformed settings; Unauthorized for a missing token, with the variable to
// set.
func Open(name string, s provider.Settings) (provider.Provider, error) {
	e, err := find(name)
	if err != nil {
		return nil, err
	}
	opened, err := e.open(s)
	switch {
	case err == nil:
		return opened, nil
	case provider.KindOf(err) == provider.Unauthorized:
		return nil, fmt.Errorf("open provider: %w; set %s", err, e.variables().Token)
	}
	return nil, fmt.Errorf("open provider: %w", err)
}

func find(name string) (entry, error) {
	for _, e := range registered {
		if e.name == name {
			return e, nil
		}
	}
	return entry{}, &provider.Error{
		Kind: provider.Refused, Op: "open provider",
		Message: provider.NotOneOf("provider", name, Names()),
	}
}

func (e entry) variables() Variables {
	return Variables{
		Token:        e.prefix + "_API_KEY",
		BaseURL:      e.prefix + "_BASE_URL",
		InferenceURL: e.prefix + "_INFERENCE_URL",
		Project:      e.prefix + "_PROJECT",
		Prefix:       e.prefix + "_",
	}
}
