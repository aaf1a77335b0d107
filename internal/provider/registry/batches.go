package registry

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
)

// batches has one line for each provider that has a Batch API of its own.
var batches = map[string]batchapi.Dialect{
	"lyceum":   batchapi.Lyceum,
	"nebius":   batchapi.Nebius,
	"together": batchapi.Together,
}

// HasBatches reports whether the provider of that name has a Batch API.
func HasBatches(name string) bool {
	_, has := batches[name]
	return has
}

// OpenBatches makes a client of a provider's Batch API, with the settings that
// Open takes; of those, the base URL is as for batchapi.New. It does not call the provider. Errors are those of Open, and
// Refused for a provider without a Batch API, with those that have one.
func OpenBatches(name string, s provider.Settings) (*batchapi.Client, error) {
	dialect, has := batches[name]
	if !has {
		known := slices.Sorted(maps.Keys(batches))
		return nil, &provider.Error{
			Kind: provider.Refused, Op: "open batch API",
			Message: provider.NotOneOf("provider with a batch API", name, known),
		}
	}
	client, err := batchapi.New(dialect, s)
	if e, unknown := find(name); unknown == nil && provider.KindOf(err) == provider.Unauthorized {
		return nil, fmt.Errorf("open batch API: %w; set %s", err, e.variables().Token)
	}
	return client, err
}
