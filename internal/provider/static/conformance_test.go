package static_test

import (
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/provider/static"
	"github.com/nightshift-run/nightshift/internal/sim"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.RunExisting(t, providertest.Harness{
		Open: func(s provider.Settings) (provider.Provider, error) {
			s.InferenceURL, s.BaseURL = s.BaseURL+"/v1", ""
			return static.New(s)
		},
		Shape: provider.Shape{Model: "my-model"},
		Cloud: sim.Options{Served: []string{"my-model", "another"}},
	})
}
