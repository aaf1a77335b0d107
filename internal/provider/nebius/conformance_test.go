package nebius_test

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/nebius"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/sim"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, reply := range []sim.CreateReply{sim.Bare, sim.Wrapped, sim.EndpointID} {
		t.Run(string(reply), func(t *testing.T) {
			providertest.Run(t, providertest.Harness{
				Open: nebius.New,
				Shape: provider.Shape{
					Model: "openai/gpt-oss-120b", Flavor: "base", GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1},
					Region: "eu-north1", Replicas: provider.Replicas{Min: 1, Max: 2},
				},
				Cloud: sim.Options{CreateReply: reply},
			})
		})
	}
}
