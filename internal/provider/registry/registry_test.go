package registry_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, name := range registry.Names() {
		opened, err := registry.Open(name, provider.Settings{Token: "t", BaseURL: "http://127.0.0.1:1", InferenceURL: "http://127.0.0.1:1/v1"})
		if err != nil || opened == nil {
			t.Errorf("Open(%q) = %v, %v", name, opened, err)
		}
	}
}

func TestOpen_Errors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		settings provider.Settings
		kind     provider.Kind
		says     []string
	}{
		{"nebios", provider.Settings{Token: "t"}, provider.Refused, []string{`"nebios"`, "nebius"}},
		{"", provider.Settings{Token: "t"}, provider.Refused, []string{"nebius"}},
		{"nebius", provider.Settings{}, provider.Unauthorized, []string{"no API key", "NEBIUS_API_KEY"}},
		{"nebius", provider.Settings{Token: "t", BaseURL: "nebius.com"}, provider.Refused, []string{"https://host/path"}},
	} {
		_, err := registry.Open(test.name, test.settings)
		if err == nil || provider.KindOf(err) != test.kind {
			t.Errorf("Open(%q) = %v, want an error of kind %s", test.name, err, test.kind)
			continue
		}
		for _, word := range test.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("Open(%q) = %q, does not mention %q", test.name, err, word)
			}
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	names := registry.Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("Names() = %v, want them sorted and each once", names)
	}
}

func TestVariablesOf(t *testing.T) {
	t.Parallel()
	got, err := registry.VariablesOf("nebius")
	want := registry.Variables{
		Token: "NEBIUS_API_KEY", BaseURL: "NEBIUS_BASE_URL",
		InferenceURL: "NEBIUS_INFERENCE_URL", Project: "NEBIUS_PROJECT", Prefix: "NEBIUS_",
	}
	if got != want || err != nil {
		t.Errorf("VariablesOf(nebius) = %v, %v, want %v", got, err, want)
	}
	if _, err := registry.VariablesOf("x"); err == nil {
		t.Error("VariablesOf(x) has no error")
	}
}

// TestRents: every provider whose endpoints do not exist beforehand has an
// account that is swept.
func TestRents(t *testing.T) {
	t.Parallel()
	for _, name := range registry.Names() {
		p, err := registry.Open(name, provider.Settings{Token: "t", BaseURL: "http://cloud.test", InferenceURL: "http://cloud.test/v1"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := registry.Rents(name), !p.Capabilities().Exists; got != want {
			t.Errorf("%s rents: %v, want %v", name, got, want)
		}
	}
	if registry.Rents("nobody") {
		t.Error("an unknown provider rents")
	}
}
