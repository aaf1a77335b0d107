package activities

import (
	"cmp"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
)

// Providers holds what the operator has set for each provider, by its name.
type Providers map[string]provider.Settings

// open makes the client for a job's endpoint; the job may name other addresses
// than the operator did.
func (p Providers) open(endpoint jobs.Endpoint) (provider.Provider, error) {
	settings := p[endpoint.Provider]
	settings.BaseURL = cmp.Or(endpoint.ControlURL, settings.BaseURL)
	settings.InferenceURL = cmp.Or(endpoint.BaseURL, settings.InferenceURL)
	return registry.Open(endpoint.Provider, settings)
}

func shapeOf(endpoint jobs.Endpoint) provider.Shape {
	return provider.Shape{
		Model: endpoint.Model, Flavor: endpoint.Flavor, Region: endpoint.Region,
		GPU:      provider.GPU{Type: endpoint.GPU.Type, Count: endpoint.GPU.Count},
		Replicas: provider.Replicas{Min: endpoint.Replicas.Min, Max: endpoint.Replicas.Max},
		IdleStop: endpoint.IdleStop.Std(), Options: endpoint.Options,
	}
}
