package lyceum

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

func validShape() provider.Shape {
	return provider.Shape{
		Model: "org/model", GPU: provider.GPU{Type: "gpu.h100", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 4},
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	const post = `POST /api/v2/external/inference/create {"hf_model_id":"org/model","hardware_profile":"gpu.h100",`
	for _, test := range []struct {
		options map[string]string
		want    string
	}{
		{nil, `"target_rps":10,"target_latency_p95_ms":5000,"stabilisation_window":300,`},
		{
			map[string]string{"target_rps": "2.5", "target_latency_p95_ms": "60000", "stabilisation_window": "0", "hf_token": "default"},
			`"target_rps":2.5,"target_latency_p95_ms":60000,"stabilisation_window":0,"hf_token":"` + hfToken + `",`,
		},
		{
			map[string]string{"hf_token": "team_2"},
			`"target_rps":10,"target_latency_p95_ms":5000,"stabilisation_window":300,"hf_token":"hf_of_team",`,
		},
	} {
		p, requests := serving(t, map[string]string{"HF_TOKEN": hfToken + "\n", "HF_TOKEN_TEAM_2": "hf_of_team"},
			map[string]answer{"": {200, `{"deployment_id": "d-1", "status": "pending"}`}})
		shape := validShape()
		shape.Options = test.options
		state, err := p.Create(t.Context(), "n", shape)
		want := provider.State{
			ID: "d-1", Phase: provider.Provisioning, Detail: "pending", BaseURL: "http://127.0.0.1:1/x", Model: "d-1", Shape: shape,
		}
		if err != nil || !reflect.DeepEqual(state, want) {
			t.Errorf("%v:\n got %+v, %v\nwant %+v", test.options, state, err, want)
		}
		if want := post + test.want + `"min_replicas":1,"max_replicas":4}`; (*requests)[0] != want {
			t.Errorf("request:\n got %s\nwant %s", (*requests)[0], want)
		}
	}
}

func TestCreate_Answers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer
		kind provider.Kind // empty: created
	}{
		{answer{200, `{"deployment_id": "d-1"}`}, ""},
		{answer{201, `{"id": "d-1", "status": null}`}, ""},
		{answer{200, ``}, provider.Ambiguous},
		{answer{200, `null`}, provider.Ambiguous},
		{answer{200, `{"status": "pending"}`}, provider.Ambiguous},
		{answer{200, `{"deployment_id": 7}`}, provider.Ambiguous},
		{answer{500, `{"detail": "Internal Server Error"}`}, provider.Ambiguous},
		{answer{500, `{"detail": "The machine could not be provisioned."}`}, provider.Capacity},
		{answer{422, `{"detail": [{"loc": ["body", "target_rps"], "msg": "Field required"}]}`}, provider.Refused},
		{answer{404, `{"detail": "Not Found"}`}, provider.Refused},
	} {
		p, _ := answering(t, test.status, test.body)
		state, err := p.Create(t.Context(), "n", validShape())
		if test.kind == "" && (err != nil || state.ID != "d-1" || state.Phase != provider.Provisioning) {
			t.Errorf("%v: %+v, %v", test.answer, state, err)
		}
		if test.kind != "" && (err == nil || provider.KindOf(err) != test.kind) {
			t.Errorf("%v: %+v, %v, want kind %s", test.answer, state, err, test.kind)
		}
	}
}

// TestShape begins with a shape that is right and changes one thing a row. Check
// and Create refuse alike.
func TestShape(t *testing.T) {
	t.Parallel()
	options := func(name, value string) func(*provider.Shape) {
		return func(s *provider.Shape) { s.Options = map[string]string{name: value} }
	}
	const notAName = "options.hf_token must be the name of a token, at most 30 letters, digits and underscores, and never the token: " +
		"default is the one in LYCEUM_HF_TOKEN"
	for _, test := range []struct {
		name   string
		change func(s *provider.Shape)
		want   string // empty: accepted
	}{
		{"valid", func(*provider.Shape) {}, ""},
		{"flavor", func(s *provider.Shape) { s.Flavor = "base" }, "flavor is not known to Lyceum: leave it out"},
		{"region", func(s *provider.Shape) { s.Region = "eu" }, "region is not known to Lyceum: leave it out"},
		{"count", func(s *provider.Shape) { s.GPU.Count = 2 }, "gpu.count 2: Lyceum takes no count, a replica is 1 hardware profile"},
		{"minimum", func(s *provider.Shape) { s.Replicas.Min = 0 }, "replicas.min must be at least 1"},
		{"turned round", func(s *provider.Shape) { s.Replicas.Min = 9 }, "replicas.max must not be below replicas.min"},
		{"unknown option", options("target_rpm", "1"),
			`option "target_rpm" is none of hf_token, stabilisation_window, target_latency_p95_ms, target_rps; did you mean target_rps?`},
		{"window", options("stabilisation_window", "5m"), `options.stabilisation_window "5m": must be a whole number`},
		{"window below 0", options("stabilisation_window", "-1"), "options.stabilisation_window must not be below 0"},
		{"rps", options("target_rps", "0"), "options.target_rps must be above 0"},
		{"rps without end", options("target_rps", "Inf"), "options.target_rps must be above 0"},
		{"latency", options("target_latency_p95_ms", "NaN"), "options.target_latency_p95_ms must be above 0"},
		{"known token", options("hf_token", "default"), ""},
		{"unknown token", options("hf_token", "team"), `options.hf_token "team": set LYCEUM_HF_TOKEN_TEAM where the worker runs`},
		{"odd token", options("hf_token", "odd"), `options.hf_token "odd": LYCEUM_HF_TOKEN_ODD holds characters that no token has`},
		{"token itself", options("hf_token", hfToken), notAName},
		{"other token itself", options("hf_token", strings.TrimPrefix(hfToken, "hf_")), notAName},
		{"path of a token", options("hf_token", "file"), notAName},
		{"path of a named token", options("hf_token", "team_file"), notAName},
		{"no name", options("hf_token", ""), notAName},
		{"no such name", options("hf_token", "my-token"), notAName},
		{"nothing given", func(s *provider.Shape) { *s = provider.Shape{} },
			"model is missing: the id of a model at Hugging Face; gpu.type is missing: a hardware profile such as gpu.h100; " +
				"gpu.count 0: Lyceum takes no count, a replica is 1 hardware profile; replicas.min must be at least 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, requests := serving(t, map[string]string{
				"HF_TOKEN": hfToken, "HF_TOKEN_ODD": "a b", "HF_TOKEN_FILE": "/token", "HF_TOKEN_TEAM_FILE": "/token",
			}, map[string]answer{"": {200, `{"deployment_id": "d-1"}`}})
			shape := validShape()
			test.change(&shape)
			_, checked := p.Check(t.Context(), shape)
			_, created := p.Create(t.Context(), "n", shape)
			for _, err := range []error{checked, created} {
				var got string
				if refused, ok := errors.AsType[*provider.Error](err); ok && refused.Kind == provider.Refused {
					got = refused.Message
				} else if err != nil {
					t.Errorf("error %v is not a refusal", err)
				}
				if got != test.want {
					t.Errorf("\n got %s\nwant %s", got, test.want)
				}
			}
			if calls := len(*requests); (calls == 0) != (test.want != "") {
				t.Errorf("requests %q", *requests)
			}
		})
	}
}

func TestCheck_Price(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		profile string
		answer
		want provider.Price
	}{
		{"gpu.h100", answer{200, testdata(t, "pricing.json")}, provider.Price{PerHour: 3.5, Currency: "USD"}},
		{"gpu.a100", answer{200, testdata(t, "pricing.json")}, provider.Price{PerHour: 1.8, Currency: "EUR"}},
		{"two.prices", answer{200, testdata(t, "pricing.json")}, provider.Price{}},
		{"gpu.new", answer{200, testdata(t, "pricing.json")}, provider.Price{}},
		{"gpu.h100", answer{404, `{"detail": "Not Found"}`}, provider.Price{}},
		{"gpu.h100", answer{200, `{"gpu.h100": 3.5}`}, provider.Price{}},
		{"gpu.h100", answer{200, `[]`}, provider.Price{}},
		{"gpu.h100", answer{200, `null`}, provider.Price{}},
	} {
		p, requests := answering(t, test.status, test.body)
		shape := validShape()
		shape.GPU.Type = test.profile
		got, err := p.Check(t.Context(), shape)
		if want := (provider.Offer{Model: "org/model", GPU: shape.GPU, Price: test.want}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s, %.40s:\n got %+v, %v\nwant %+v", test.profile, test.body, got, err, want)
		}
		if (*requests)[0] != "GET /api/v2/external/pricing" {
			t.Errorf("requests %q", *requests)
		}
	}
	p, _ := answering(t, 401, `{"detail": "Invalid API key"}`)
	if _, err := p.Check(t.Context(), validShape()); provider.KindOf(err) != provider.Unauthorized {
		t.Errorf("a bad token: %v", err)
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, 200, testdata(t, "pricing.json"))
	got, err := p.Catalogue(t.Context(), "org/model")
	want := []provider.Offer{
		{Model: "org/model", GPU: provider.GPU{Type: "gpu.a100", Count: 1}, Price: provider.Price{PerHour: 1.8, Currency: "EUR"}},
		{Model: "org/model", GPU: provider.GPU{Type: "gpu.h100", Count: 1}, Price: provider.Price{PerHour: 3.5, Currency: "USD"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v, %v\nwant %+v", got, err, want)
	}
	p, _ = answering(t, 405, ``)
	if got, err := p.Catalogue(t.Context(), ""); err != nil || got != nil {
		t.Errorf("without a price list: %+v, %v", got, err)
	}
	p, _ = answering(t, 500, ``)
	if _, err := p.Catalogue(t.Context(), ""); provider.KindOf(err) != provider.Unavailable {
		t.Errorf("a failing price list: %v", err)
	}
}
