package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// TestEndpoints_OfEveryProvider: what is there, whose it is, what it costs, and
// ending it by hand. Lyceum keeps no names, so that there it cannot be told whose
// an endpoint is, and a sweep has nothing to judge.
func TestEndpoints_OfEveryProvider(t *testing.T) {
	t.Parallel()
	for name, rents := range map[string]struct {
		shape provider.Shape
		price string
		whose string
	}{
		"nebius": {provider.Shape{Model: "openai/gpt-oss-120b", Flavor: "base", GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 2}, Region: "eu-north1"}, "unknown", "ours"},
		"together": {
			provider.Shape{Model: "openai/gpt-oss-120b", Flavor: "gpt-oss-120b-h100", GPU: provider.GPU{Type: "NVIDIA-H100", Count: 1}, Region: "us-central-8"},
			"5.49 USD", "ours",
		},
		"together-v1": {provider.Shape{Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "1x_nvidia_h100_80gb_sxm"}}, "3.99 USD", "ours"},
		"lyceum":      {provider.Shape{Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "gpu.h100", Count: 1}}, "3.50 USD", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t)
			rents.shape.Replicas = provider.Replicas{Min: 1, Max: 1}
			late := a.rentFrom(name, provider.Name{Installation: "mine", Job: "job-1", Deadline: time.Now().Add(-time.Hour)}.String(), rents.shape)
			kept := a.rentFrom(name, "somebody-elses", rents.shape)

			stdout := a.succeeds(name, "list", "--installation", "mine")
			row(t, stdout, late, rents.whose, "ready", rents.price)
			row(t, a.succeeds(name, "show", late), "an hour", rents.price)
			row(t, a.succeeds(name, "hardware"), rents.price)
			a.succeeds(name, "sweep", "--installation", "mine")
			if rents.whose == "ours" {
				a.running(kept)
			} else {
				a.running(late, kept)
				a.succeeds(name, "delete", "--yes", late)
			}
			row(t, a.succeeds(name, "delete", "--yes", kept), kept, "the provider's listing confirms it")
			a.running()
		})
	}
}

// rentFrom creates an endpoint of any provider and returns its id.
func (a *account) rentFrom(name, called string, shape provider.Shape) string {
	a.Helper()
	p, err := registry.Open(name, provider.Settings{Token: "secret", BaseURL: a.url + sim.Path(name)})
	if err != nil {
		a.Fatal(err)
	}
	state, err := p.Create(a.Context(), called, shape)
	if err != nil {
		a.Fatal(err)
	}
	return state.ID
}

// succeeds runs a command of the group for that provider and returns its output.
func (a *account) succeeds(name string, args ...string) string {
	a.Helper()
	provided := []string{"--provider", name, "--" + name + "-base-url", a.url + sim.Path(name), "--" + name + "-api-key-file", a.token}
	stdout, stderr, code := runApp(a.T, slices.Concat([]string{"endpoints", args[0]}, provided, args[1:])...)
	if code != exitOK {
		a.Errorf("%s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}
