package deaths

import (
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
)

// rented is what the cases must know of a provider.
type rented struct {
	name     string
	endpoint jobs.Endpoint // without the provider's name

	// The cloud's operations that create an endpoint and give it back, to be
	// struck by faults.
	create, remove string

	// Where the provider's planes are mounted, below the cloud's address.
	control, inference string
}

func (r rented) called() string { return r.name }

// providers has one entry a provider.
var providers = []rented{
	{
		name: "nebius",
		endpoint: jobs.Endpoint{
			Model: "openai/gpt-oss-120b", Flavor: "base",
			GPU: jobs.GPU{Type: "gpu-h100-sxm", Count: 1}, Region: "eu-north1",
		},
		create: sim.OpCreate, remove: sim.OpDelete,
		inference: "/v1",
	},
}

// Providers returns the names of the providers that cases can be had for.
func Providers() []string {
	var names []string
	for _, r := range providers {
		names = append(names, r.name)
	}
	return names
}

// environment is what a worker needs to reach the provider in the cloud.
func (r rented) environment(cloudURL string) ([]string, error) {
	variables, err := registry.VariablesOf(r.name)
	if err != nil {
		return nil, err
	}
	return []string{
		variables.Token + "=" + token,
		variables.BaseURL + "=" + cloudURL + r.control,
		variables.InferenceURL + "=" + cloudURL + r.inference,
	}, nil
}
