package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
)

func TestInit_WritesAJobFileThatIsValid(t *testing.T) {
	for _, name := range registry.Names() {
		out, talk, code := runApp(t, "init", "--provider", name, "--model", "it: is 'odd'", "-")
		spec, err := jobs.Parse("job.yaml", []byte(out))
		if code != 0 || err != nil {
			t.Fatalf("%s: ended with %d, %v:\n%s%s", name, code, err, out, talk)
		}
		if spec.Endpoint.Provider != name || spec.Endpoint.Model != "it: is 'odd'" {
			t.Errorf("%s: endpoint = %+v", name, spec.Endpoint)
		}
	}
}

func TestInit_AsksWhatIsOffered(t *testing.T) {
	a := newAccount(t)
	file := filepath.Join(t.TempDir(), "job.yaml")
	args := []string{"init", "--provider", "nebius", "--nebius-base-url", a.url, "--nebius-api-key-file", a.token, "--model", "openai/gpt-oss-120b", file}
	if _, talk, code := runApp(t, args...); code != 0 {
		t.Fatalf("ended with %d: %s", code, talk)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := jobs.Parse(file, text)
	if err != nil || spec.Endpoint.Model != "openai/gpt-oss-120b" || spec.Endpoint.GPU.Type == "" || spec.Endpoint.Region == "" {
		t.Errorf("%+v, %v", spec.Endpoint, err)
	}
	if !strings.Contains(string(text), "# What nebius offered") || !strings.Contains(string(text), "#   model openai/gpt-oss-120b") {
		t.Errorf("the offers are not in the file:\n%s", text)
	}

	if _, talk, code := runApp(t, args...); code != 2 || !strings.Contains(talk, "exists already") {
		t.Errorf("a second init ended with %d: %s", code, talk)
	}
	if after, _ := os.ReadFile(file); string(after) != string(text) {
		t.Error("the file was overwritten")
	}
}

func TestInit_SaysThatAModelIsNotOffered(t *testing.T) {
	a := newAccount(t)
	_, talk, code := runApp(t, "init", "--provider", "nebius", "--nebius-base-url", a.url, "--nebius-api-key-file", a.token, "--model", "no/such", "-")
	if code != 2 || !strings.Contains(talk, "no/such") {
		t.Errorf("ended with %d: %s", code, talk)
	}
}
