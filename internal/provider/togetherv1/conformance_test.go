package togetherv1_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/provider/togetherv1"
	"github.com/nightshift-run/nightshift/internal/sim"
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
			})
		})
	}
}

// TestClosedService: what a user is told today, from a shape that passes Check
// to the refusal.
func TestClosedService(t *testing.T) {
	t.Parallel()
	cloud := sim.New(sim.Options{TogetherV1Closed: true})
	defer cloud.Close()
	server := httptest.NewServer(cloud)
	defer server.Close()
	p, err := togetherv1.New(provider.Settings{Token: "tg-secret", BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	shape := provider.Shape{
		Model: "openai/gpt-oss-20b", GPU: provider.GPU{Type: "nvidia_h100_80gb_sxm", Count: 2}, Replicas: provider.Replicas{Min: 1, Max: 1},
	}
	if offer, err := p.Check(t.Context(), shape); err != nil || offer.Price.PerHour != 7.98 {
		t.Errorf("check: %+v, %v", offer, err)
	}
	_, err = p.Create(t.Context(), "nightly", shape)
	if provider.KindOf(err) != provider.Refused || !strings.Contains(err.Error(), "use provider: together") {
		t.Errorf("create: %v", err)
	}
	if entries := cloud.Ledger().Entries; len(entries) != 0 {
		t.Errorf("rented: %+v", entries)
	}
}
