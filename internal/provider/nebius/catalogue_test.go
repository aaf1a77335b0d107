package nebius

import (
	"errors"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	catalogue := testdata(t, "templates.json")
	for _, test := range []struct {
		name   string
		change func(s *provider.Shape)
		want   string // empty: the shape is offered
	}{
		{"valid", func(*provider.Shape) {}, ""},
		{"model", func(s *provider.Shape) { s.Model = "gpt-oss-120b" },
			`model "gpt-oss-120b" is none of Qwen/Qwen3-Embedding-8B, new/unlisted, new/untold, openai/gpt-oss-120b; did you mean openai/gpt-oss-120b?`},
		{"flavor", func(s *provider.Shape) { s.Flavor = "bass" }, `flavor "bass" is none of base, fast; did you mean base?`},
		{"GPU type", func(s *provider.Shape) { s.GPU.Type = "gpu-h200-sxm" },
			`gpu.type "gpu-h200-sxm" is none of gpu-b200-sxm, gpu-h100-sxm; did you mean gpu-b200-sxm?`},
		{"GPU count", func(s *provider.Shape) { s.GPU.Count = 3 }, `gpu.count 3 is none of 1, 2, 4`},
		{"region", func(s *provider.Shape) { s.Region = "eu-west1" },
			`region "eu-west1" is none of eu-north1, us-central1`},
		{"replicas", func(s *provider.Shape) { s.Replicas.Max = 9 }, `replicas.max must be at most 8`},
		{"nothing given", func(s *provider.Shape) { *s = provider.Shape{} },
			`model is missing; flavor is missing; gpu.type is missing; gpu.count must be at least 1; region is missing; replicas.min must be at least 1`},
		{"replicas turned round", func(s *provider.Shape) { s.Replicas = provider.Replicas{Min: 3, Max: 2} },
			`replicas.max must not be below replicas.min`},
		{"all at once", func(s *provider.Shape) {
			*s = provider.Shape{
				Model: s.Model, Flavor: "slow", GPU: provider.GPU{Type: "tpu", Count: 64}, Region: "mars",
				Replicas: provider.Replicas{Min: 1, Max: 100},
			}
		}, `flavor "slow" is none of base, fast; gpu.type "tpu" is none of gpu-b200-sxm, gpu-h100-sxm, gpu-h200-sxm; ` +
			`gpu.count 64 is none of 1, 2, 4, 8; region "mars" is none of eu-north1, eu-west1, us-central1; replicas.max must be at most 8`},
		{"limits not told", func(s *provider.Shape) {
			s.Model, s.GPU = "Qwen/Qwen3-Embedding-8B", provider.GPU{Type: "gpu-l40s-d", Count: 1}
			s.Region, s.Replicas.Max = "mars", 100
		}, ""},
		{"configurations not told", func(s *provider.Shape) { s.Model = "new/untold" }, ""},
		{"flavors not told", func(s *provider.Shape) { s.Model = "new/unlisted" }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, request := answering(t, 200, catalogue)
			shape := validShape()
			test.change(&shape)
			_, err := p.Check(t.Context(), shape)
			if want := "GET /v0/dedicated_endpoints/templates?ai_project_id=p-1"; *request != want {
				t.Errorf("request %q, want %q", *request, want)
			}
			var got string
			if refused, ok := errors.AsType[*provider.Error](err); ok && refused.Kind == provider.Refused {
				got = refused.Message
			} else if err != nil {
				t.Errorf("error %v is not a refusal", err)
			}
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCheck_NoCatalogue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		body   string
		want   provider.Kind
	}{
		{401, `{"detail": "Invalid API key"}`, provider.Unauthorized},
		{500, ``, provider.Unavailable},
		{200, `{}`, provider.Unavailable},
		{200, `{"data": []}`, provider.Refused},
	} {
		p, _ := answering(t, test.status, test.body)
		if _, err := p.Check(t.Context(), validShape()); err == nil || provider.KindOf(err) != test.want {
			t.Errorf("%d %s: %v, want kind %s", test.status, test.body, err, test.want)
		}
	}
}
