package registry_test

import (
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
)

func TestOpenBatches(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lyceum", "nebius", "together"} {
		client, err := registry.OpenBatches(name, provider.Settings{Token: "t"})
		if err != nil || client.Dialect().Name != name || !registry.HasBatches(name) {
			t.Errorf("OpenBatches(%q) = %v, %v", name, client, err)
		}
	}
	_, err := registry.OpenBatches("static", provider.Settings{Token: "t"})
	if err == nil || provider.KindOf(err) != provider.Refused || !strings.Contains(err.Error(), "nebius") {
		t.Errorf("OpenBatches(static) = %v", err)
	}
	_, err = registry.OpenBatches("nebius", provider.Settings{})
	if err == nil || provider.KindOf(err) != provider.Unauthorized || !strings.Contains(err.Error(), "NEBIUS_API_KEY") {
		t.Errorf("OpenBatches without a token = %v", err)
	}
}
