package togetherv1

import (
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

func hardwareList(t *testing.T) answer {
	t.Helper()
	data, err := os.ReadFile("testdata/hardware.json")
	if err != nil {
		t.Fatal(err)
	}
	return answer{200, string(data)}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	p, s := against(t, map[string]answer{"GET /v1/hardware": hardwareList(t)})
	got, err := p.Catalogue(t.Context(), "openai/gpt-oss-120b")
	want := []provider.Offer{
		{Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "nvidia_h100_80gb_sxm", Count: 1},
			Price: provider.Price{PerHour: 3.99, Currency: "USD"}, Stock: provider.Available, Detail: "1 x h100-80gb, 80 GB, sxm"},
		{Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "nvidia_b200_180gb_sxm", Count: 8},
			Price: provider.Price{PerHour: 79.596, Currency: "USD"}, Stock: provider.SoldOut, Detail: "8 x b200-180gb, 180 GB, sxm"},
		{Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "nvidia_l40s_48gb_pcie", Count: 2}},
		{Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "cerebras", Count: 4}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if all, err := p.Catalogue(t.Context(), ""); err != nil || len(all) != 4 || all[0].Model != "" {
		t.Errorf("all: %+v, %v", all, err)
	}
	if s.requests[0] != "GET /v1/hardware?model=openai%2Fgpt-oss-120b" || s.requests[1] != "GET /v1/hardware" {
		t.Errorf("requests %q", s.requests)
	}
	p, _ = against(t, nil)
	if none, err := p.Catalogue(t.Context(), "unknown"); err != nil || len(none) != 0 {
		t.Errorf("unknown model: %+v, %v", none, err)
	}
}

func TestHardwareID(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		gpu provider.GPU
		id  string
	}{
		{provider.GPU{Type: "nvidia_h100_80gb_sxm", Count: 2}, "2x_nvidia_h100_80gb_sxm"},
		{provider.GPU{Type: "2x_nvidia_h100_80gb_sxm", Count: 1}, "2x_nvidia_h100_80gb_sxm"},
		{provider.GPU{Type: "2x_nvidia_h100_80gb_sxm"}, "2x_nvidia_h100_80gb_sxm"},
		{provider.GPU{Type: "nvidia_h100_80gb_sxm"}, "nvidia_h100_80gb_sxm"},
	} {
		if got := hardwareID(test.gpu); got != test.id {
			t.Errorf("%+v: %s, want %s", test.gpu, got, test.id)
		}
	}
	for id, want := range map[string]provider.GPU{
		"16x_a_1x_b": {Type: "a_1x_b", Count: 16}, "0x_a": {Type: "0x_a"}, "99999x_a": {Type: "99999x_a"}, "x_a": {Type: "x_a"}, "": {},
	} {
		if got := gpuOf(id); got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const offered = "1x_nvidia_h100_80gb_sxm, 2x_nvidia_l40s_48gb_pcie, 8x_nvidia_b200_180gb_sxm, cerebras"
	for _, test := range []struct {
		name   string
		change func(s *provider.Shape)
		want   string // empty: the shape is offered
	}{
		{"valid", func(*provider.Shape) {}, ""},
		{"full id", func(s *provider.Shape) { s.GPU.Type = "8x_nvidia_b200_180gb_sxm" }, ""},
		{"full id and count", func(s *provider.Shape) { s.GPU = provider.GPU{Type: "8x_nvidia_b200_180gb_sxm", Count: 8} }, ""},
		{"full id, other count", func(s *provider.Shape) { s.GPU = provider.GPU{Type: "8x_nvidia_b200_180gb_sxm", Count: 4} },
			"gpu.count is 4, but gpu.type 8x_nvidia_b200_180gb_sxm has 8"},
		{"count not offered", func(s *provider.Shape) { s.GPU.Count = 3 },
			`hardware "3x_nvidia_h100_80gb_sxm" is none of ` + offered + "; did you mean 1x_nvidia_h100_80gb_sxm?"},
		{"zone", func(s *provider.Shape) { s.Region = "us-central-4b" }, ""},
		{"other zone", func(s *provider.Shape) { s.Region = "us-central-4c" },
			`region "us-central-4c" is none of us-central-4b; did you mean us-central-4b?`},
		{"options", func(s *provider.Shape) {
			s.IdleStop, s.Options = time.Hour, map[string]string{"disable_prompt_cache": "true"}
		}, ""},
		{"all at once", func(s *provider.Shape) {
			*s = provider.Shape{Flavor: "fast", Replicas: provider.Replicas{Min: 0, Max: -1}, Options: map[string]string{"x": "1", "disable_prompt_cache": "2"}}
		}, `model is missing; flavor: this provider has none; gpu.type is missing; replicas.min must be at least 1; ` +
			`replicas.max must not be below replicas.min; options.disable_prompt_cache "2": must be true or false; ` +
			`option "x" is none of disable_prompt_cache, disable_speculative_decoding`},
	} {
		p, _ := against(t, map[string]answer{
			"GET /v1/hardware":                    hardwareList(t),
			"GET /v1/clusters/availability-zones": {200, `{"avzones": ["us-central-4b"]}`},
		})
		shape := validShape()
		test.change(&shape)
		_, err := p.Check(t.Context(), shape)
		if got := refusalOf(t, err); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// refusalOf returns why a shape was refused; "" if it was not.
func refusalOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := err.(*provider.Error)
	if !ok || refused.Kind != provider.Refused {
		t.Fatalf("error %v is not a refusal", err)
	}
	return refused.Message
}

// TestCheck_Offer: the offer has the price and the GPUs of one replica.
func TestCheck_Offer(t *testing.T) {
	t.Parallel()
	p, _ := against(t, map[string]answer{"GET /v1/hardware": hardwareList(t)})
	shape := validShape()
	shape.GPU, shape.Region = provider.GPU{Type: "8x_nvidia_b200_180gb_sxm", Count: 1}, "not-listed-anywhere"
	offer, err := p.Check(t.Context(), shape) // the service has no list of zones here
	if err != nil || offer.GPU != (provider.GPU{Type: "nvidia_b200_180gb_sxm", Count: 8}) || offer.Stock != provider.SoldOut ||
		offer.Price.PerHour != 79.596 || len(offer.Regions) != 1 {
		t.Errorf("%+v, %v", offer, err)
	}
}

func TestCheck_NoHardware(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		said answer
		want provider.Kind
	}{
		{answer{401, `{"error": {"message": "expired"}}`}, provider.Unauthorized},
		{answer{500, ``}, provider.Unavailable},
		{answer{200, `{}`}, provider.Unavailable},
		{answer{200, `{"data": [7]}`}, provider.Unavailable},
		{answer{200, `{"data": []}`}, provider.Refused},
		{answer{404, `{"error": {"message": "Model not found"}}`}, provider.Refused},
	} {
		p, _ := against(t, map[string]answer{"GET /v1/hardware": test.said})
		if _, err := p.Check(t.Context(), validShape()); err == nil || provider.KindOf(err) != test.want {
			t.Errorf("%+v: %v, want kind %s", test.said, err, test.want)
		}
	}
}
