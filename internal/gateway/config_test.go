package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/examples"
	"github.com/nightshift-run/nightshift/jobs"
)

func TestParseConfig_Example(t *testing.T) {
	t.Parallel()
	config, err := ParseConfig("serve.yaml", examples.Serve)
	if err != nil {
		t.Fatal(err)
	}
	if config.Limits != defaultLimits || config.CompletionWindows[0] != "24h" || config.FileLifetime.Std() != DefaultFileLifetime {
		t.Errorf("defaults %+v", config)
	}
	spec := config.Models[0].spec()
	if share := spec.Endpoint.Share; !strings.HasPrefix(share.Name, "openai-gpt-oss-120b-") || share.Linger.Std() != time.Minute {
		t.Errorf("share %+v", share)
	}
}

// TestParseConfig_Problems: all at once, with their lines.
func TestParseConfig_Problems(t *testing.T) {
	t.Parallel()
	_, err := ParseConfig("serve.yaml", []byte(`rot: s3://b/
models:
  - name: m
    endpoint: {provider: static, base_url: "127.0.0.1", modle: m}
  - name: m
    limits: {warmup: -1s}
    tenants: [A]
completion_windows: [24h, week]
batch_lifetime: 100h
limits: {file: 10XB, files: -1}
webhook: {url: ftp://x}
tenants:
  - {name: B}
  - {name: b, webhook: {secret_env: "whsec_abc="}}
`))
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"serve.yaml: root: is missing", "serve.yaml:1: rot: unknown field; did you mean root?", "serve.yaml:4: models.0.endpoint.modle: unknown field",
		"serve.yaml:4: models.0.endpoint.base_url", `serve.yaml:5: models.1.name: "m" is there already`, "models.1.endpoint.provider: is missing",
		"serve.yaml:6: models.1.limits.warmup", `serve.yaml:7: models.1.tenants.0: "A"`, "serve.yaml:8: completion_windows.1", "serve.yaml:9: batch_lifetime: must be at least 720h", `serve.yaml:10: "10XB" is not a size`,
		"serve.yaml:10: limits.files", "serve.yaml:11: webhook.url", `serve.yaml:13: tenants.0.name: "B"`, "serve.yaml:14: tenants.1.webhook.secret_env",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

// TestShared: what is rented is shared by a model's batches, and nothing else.
func TestShared(t *testing.T) {
	t.Parallel()
	m := Model{Name: "org/Model.1", Linger: jobs.Duration(time.Minute)}
	for name, row := range map[string]struct {
		endpoint jobs.Endpoint
		shares   bool
	}{
		"rented":      {jobs.Endpoint{Provider: "nebius"}, true},
		"static":      {jobs.Endpoint{Provider: "static"}, false},
		"by its id":   {jobs.Endpoint{Provider: "nebius", ID: "ep-1"}, false},
		"kept":        {jobs.Endpoint{Provider: "nebius", Release: jobs.ReleaseDisable}, false},
		"a batch API": {jobs.Endpoint{Provider: "nebius", Mode: jobs.ProviderBatch}, false},
	} {
		if got := !m.shared(row.endpoint).Share.IsZero(); got != row.shares {
			t.Errorf("%s: shared is %v", name, got)
		}
	}
}
