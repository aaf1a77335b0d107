package together_test

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/provider/together"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	bounds := provider.Replicas{Min: 1, Max: 2}
	for name, shape := range map[string]provider.Shape{
		"flavor": {
			Model: "openai/gpt-oss-120b", Flavor: "gpt-oss-120b-h100", GPU: provider.GPU{Type: "NVIDIA-H100", Count: 1},
			Region: "us-central-8", Replicas: bounds,
		},
		"model only": {Model: "openai/gpt-oss-20b", Replicas: bounds},
	} {
		t.Run(name, func(t *testing.T) {
			providertest.Run(t, providertest.Harness{Open: together.New, Shape: shape, FailedIsFinal: true})
		})
	}
}
