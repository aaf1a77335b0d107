package togetherv1_test

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/provider/togetherv1"
)

// TestConformance runs the suite with both ways to name hardware.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, gpu := range []provider.GPU{{Type: "nvidia_h100_80gb_sxm", Count: 1}, {Type: "1x_nvidia_h100_80gb_sxm"}} {
		t.Run(gpu.Type, func(t *testing.T) {
			providertest.Run(t, providertest.Harness{
				Open: togetherv1.New,
				Shape: provider.Shape{
					Model: "openai/gpt-oss-120b", GPU: gpu, Region: "us-central-4b", Replicas: provider.Replicas{Min: 1, Max: 2},
				},
				NoReplicaLimit: true,
			})
		})
	}
}
