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
	},
	{
		name: "together",
		endpoint: jobs.Endpoint{
			Model: "openai/gpt-oss-120b", Flavor: "gpt-oss-120b-h100",
			GPU: jobs.GPU{Type: "NVIDIA-H100", Count: 1}, Region: "us-central-8",
		},
		create: sim.OpCreate, remove: sim.OpUpdate, // scaling to zero is what gives the GPU back
	},
	{
		name: "together-v1",
		endpoint: jobs.Endpoint{
			Model: "openai/gpt-oss-120b", GPU: jobs.GPU{Type: "1x_nvidia_h100_80gb_sxm"}, Region: "us-central-4b",
		},
		create: sim.OpCreate, remove: sim.OpDelete,
	},
	{
		name:     "lyceum",
		endpoint: jobs.Endpoint{Model: "openai/gpt-oss-120b", GPU: jobs.GPU{Type: "gpu.h100", Count: 1}},
		create:   sim.OpCreate, remove: sim.OpDelete,
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
		variables.BaseURL + "=" + cloudURL,
	}, nil
}
