package deaths

import (
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
)

// account is what the cases must know of a provider.
type account struct {
	name     string
	endpoint jobs.Endpoint // without the provider's name

	// The cloud's operations that create an endpoint and give it back, to be
	// struck by faults. A server that exists has neither, and its address is the
	// cloud's data plane.
	create, remove string
	exists         bool
}

func (a account) called() string { return a.name }

// providers has one entry a provider.
var providers = []account{
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
	{name: "static", endpoint: jobs.Endpoint{Model: served}, exists: true},
}

// served is the model of the server that exists.
const served = "my-model"

// Providers returns the names of the providers that cases can be had for.
func Providers() []string {
	var names []string
	for _, a := range providers {
		names = append(names, a.name)
	}
	return names
}

// at is the endpoint that a job names, in the cloud at that address.
func (a account) at(cloudURL string) jobs.Endpoint {
	endpoint := a.endpoint
	endpoint.Provider = a.name
	if a.exists {
		endpoint.BaseURL = cloudURL + "/v1"
	}
	return endpoint
}

// environment is what a worker needs to reach the provider in the cloud.
func (a account) environment(cloudURL string) ([]string, error) {
	variables, err := registry.VariablesOf(a.name)
	if err != nil {
		return nil, err
	}
	return []string{
		variables.Token + "=" + token,
		variables.BaseURL + "=" + cloudURL,
	}, nil
}
