package together

import (
	"errors"
	"reflect"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const hardware = "GET /v2/public/inference-instance-types"

func offering(t *testing.T) (provider.Provider, *service) {
	return against(t, map[string][]string{
		"GET /v2/supported-models": {testdata(t, "models.json")}, hardware: {testdata(t, "instance-types.json")},
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	usd := func(price float64) provider.Price { return provider.Price{PerHour: price, Currency: "USD"} }
	one := provider.Offer{
		Model: "openai/gpt-oss-120b", Flavor: "a-h100", GPU: provider.GPU{Type: "NVIDIA-H100", Count: 1},
		Regions: []string{"ap-1", "eu-north-2", "us-central-8"}, Price: usd(5.49), Stock: provider.Available,
		Detail: "MXFP4, us-central-8: at least 8 free, eu-north-2: 0 free",
	}
	eight := provider.Offer{
		Model: one.Model, Flavor: "a-h100-8", GPU: provider.GPU{Type: "NVIDIA-H100", Count: 8},
		Regions: []string{"us-central-8"}, Price: usd(43.92), Stock: provider.SoldOut, Detail: "MXFP4, TP8, us-central-8: 0 free",
	}
	blackwell := provider.Offer{Model: one.Model, Flavor: "a-b200", GPU: provider.GPU{Type: "NVIDIA-B200", Count: 1}} // two prices
	elsewhere := one
	elsewhere.Stock, elsewhere.Detail = provider.SoldOut, "MXFP4, eu-north-2: 0 free"
	for _, test := range []struct {
		name   string
		change func(s *provider.Shape)
		want   provider.Offer
	}{
		{"flavor", func(s *provider.Shape) { s.Flavor = "a-h100" }, one},
		{"flavor with the count that a job has by default", func(s *provider.Shape) {}, eight},
		{"flavor with type and count", func(s *provider.Shape) { s.GPU = provider.GPU{Type: "nvidia-h100", Count: 8} }, eight},
		{"type and count", func(s *provider.Shape) { s.Flavor, s.GPU = "", provider.GPU{Type: "NVIDIA-H100", Count: 8} }, eight},
		{"count alone", func(s *provider.Shape) { s.Flavor, s.GPU = "", provider.GPU{Count: 8} }, eight},
		{"type and the default count", func(s *provider.Shape) { s.Flavor, s.GPU.Type = "", "NVIDIA-B200" }, blackwell},
		{"the only one", func(s *provider.Shape) { s.Model, s.Flavor, s.GPU.Count = "small/one", "", 0 }, provider.Offer{
			Model: "small/one", Flavor: "s", GPU: one.GPU, Regions: one.Regions, Price: one.Price, Stock: one.Stock,
			Detail: "us-central-8: at least 8 free, eu-north-2: 0 free",
		}},
		{"region", func(s *provider.Shape) { s.Flavor, s.Region = "a-h100", "eu-north-2" }, elsewhere},
		{"region where none are told", func(s *provider.Shape) { s.Flavor, s.Region = "a-b200", "mars" }, blackwell},
		{"as Describe reads it", func(s *provider.Shape) {
			*s = provider.Shape{Flavor: "projects/c/configs/cr_a", GPU: provider.GPU{Type: "nvidia-h100-80gb", Count: 1}}
		}, one},
		{"options", func(s *provider.Shape) {
			s.Flavor, s.Options = "a-h100", map[string]string{"scale_to_zero_window": "5m", "enable_lora": "true"}
		}, one},
	} {
		p, s := offering(t)
		shape := validShape()
		test.change(&shape)
		offer, err := p.Check(t.Context(), shape)
		if err != nil || !reflect.DeepEqual(offer, test.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", test.name, offer, err, test.want)
		}
		s.wants(t, catalogued, hardware)
	}
}

func TestCheck_Refuses(t *testing.T) {
	t.Parallel()
	const all120 = "a-h100 (1 x NVIDIA-H100, MXFP4), a-h100-8 (8 x NVIDIA-H100, MXFP4, TP8), a-b200 (1 x NVIDIA-B200)"
	for _, test := range []struct {
		name   string
		change func(s *provider.Shape)
		want   string
	}{
		{"model", func(s *provider.Shape) { s.Model = "gpt-oss-120b" },
			`model "gpt-oss-120b" is none of Qwen/Qwen3-235B, no/profiles, odd/config, odd/profiles, openai/gpt-oss-120b, small/one; did you mean openai/gpt-oss-120b?`},
		{"flavor", func(s *provider.Shape) { s.Flavor = "a-h10" }, `flavor "a-h10" is none of a-b200, a-h100, a-h100-8; did you mean a-h100?`},
		{"no flavor", func(s *provider.Shape) { s.Flavor, s.GPU.Count = "", 0 }, `flavor is missing, and several fit: ` + all120},
		{"a count that fits several", func(s *provider.Shape) { s.Flavor = "" },
			`flavor is missing, and several fit: a-h100 (1 x NVIDIA-H100, MXFP4), a-b200 (1 x NVIDIA-B200)`},
		{"same hardware twice", func(s *provider.Shape) { s.Model, s.Flavor, s.GPU.Count = "Qwen/Qwen3-235B", "", 8 },
			`flavor is missing, and several fit: q-bf16 (8 x H100, BF16), q-fp8 (8 x H100, FP8)`},
		{"never more GPUs than a job has by default", func(s *provider.Shape) { s.Model, s.Flavor = "Qwen/Qwen3-235B", "" },
			`gpu.count 1 is none of 8`},
		{"type of another flavor", func(s *provider.Shape) { s.GPU.Type = "NVIDIA-B200" }, `gpu.type "NVIDIA-B200" is none of NVIDIA-H100; did you mean NVIDIA-H100?`},
		{"count of another flavor", func(s *provider.Shape) { s.GPU.Count = 4 }, `gpu.count 4 is none of 8`},
		{"region", func(s *provider.Shape) { s.Region = "us-central-9" }, `region "us-central-9" is none of us-central-8; did you mean us-central-8?`},
		{"no profiles", func(s *provider.Shape) { s.Model, s.Flavor, s.GPU.Count = "no/profiles", "", 0 }, `model "no/profiles" has no deployment profile`},
		{"unreadable profiles", func(s *provider.Shape) { s.Model, s.Flavor, s.GPU.Count = "odd/profiles", "", 0 }, `model "odd/profiles" has no deployment profile`},
		{"no config", func(s *provider.Shape) { s.Model, s.Flavor = "odd/config", "o" }, `flavor "o" cannot be deployed: it tells no model and config`},
		{"nothing given", func(s *provider.Shape) { *s = provider.Shape{} }, `model is missing; replicas.min must be at least 1`},
		{"all at once", func(s *provider.Shape) {
			s.Flavor, s.GPU, s.Replicas = "x", provider.GPU{Type: "tpu", Count: 64}, provider.Replicas{Min: 2, Max: 1}
			s.Options = map[string]string{"target_rps": "1", "enable_lora": "perhaps", "scale_to_zero_window": "1ms"}
		}, `replicas.max must not be below replicas.min; flavor "x" is none of a-b200, a-h100, a-h100-8; gpu.type "tpu" is none of NVIDIA-B200, NVIDIA-H100; ` +
			`gpu.count 64 is none of 1, 8; options.enable_lora "perhaps": must be true or false; ` +
			`option "target_rps" is none of enable_lora, scale_to_zero_window; options.scale_to_zero_window must be at least 1s`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, _ := offering(t)
			shape := validShape()
			test.change(&shape)
			offer, err := p.Check(t.Context(), shape)
			refused, ok := errors.AsType[*provider.Error](err)
			if !ok || refused.Kind != provider.Refused || refused.Message != test.want {
				t.Errorf("\n got %+v, %v\nwant %s", offer, err, test.want)
			}
			if _, err := p.Create(t.Context(), given, shape); test.name != "region" && provider.KindOf(err) != provider.Refused {
				t.Errorf("create: %v", err)
			}
		})
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	p, s := offering(t)
	offers, err := p.Catalogue(t.Context(), "openai/gpt-oss-120b")
	if err != nil || len(offers) != 3 || offers[0].Price.PerHour != 5.49 || offers[2].Flavor != "a-b200" {
		t.Errorf("one model: %+v, %v", offers, err)
	}
	if offers, err = p.Catalogue(t.Context(), ""); err != nil || len(offers) != 7 {
		t.Errorf("all models: %d offers, %v", len(offers), err)
	}
	if offers, err = p.Catalogue(t.Context(), "no/such"); err != nil || len(offers) != 0 {
		t.Errorf("unknown model: %+v, %v", offers, err)
	}
	s.wants(t, catalogued, hardware, catalogued, hardware, catalogued, hardware)
}

func TestSameGPU(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"NVIDIA-H100", "h100-80gb", true},
		{"NVIDIA-H100", "NVIDIA-H100-80GB-HBM3", true},
		{"H100", "h100", true},
		{"NVIDIA-H100-80GB", "H100", true},
		{"B200", "GB200", false},
		{"h100-80gb", "h100-94gb", false},
		{"NVIDIA", "H100", false},
		{"", "", false},
	} {
		if got := sameGPU(test.a, test.b); got != test.want || sameGPU(test.b, test.a) != got {
			t.Errorf("sameGPU(%q, %q) = %v", test.a, test.b, got)
		}
	}
}
