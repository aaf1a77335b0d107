package nebius

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const token = "neb-secret"

// answering returns the provider against a server that answers every call with
// status and body, and notes the last request in *request.
func answering(t *testing.T, status int, body string) (p provider.Provider, request *string) {
	t.Helper()
	request = new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		*request = strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(sent))
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	p, err := New(provider.Settings{Token: token, BaseURL: server.URL, InferenceURL: "http://127.0.0.1:1/v1", Project: "p-1"})
	if err != nil {
		t.Fatal(err)
	}
	return p, request
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func validShape() provider.Shape {
	return provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 2},
		Region: "eu-north1", Replicas: provider.Replicas{Min: 1, Max: 4},
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	p, request := answering(t, 200, testdata(t, "list.json"))
	states, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "GET /v0/dedicated_endpoints?ai_project_id=p-1"; *request != want {
		t.Errorf("request %q, want %q", *request, want)
	}
	shape := validShape()
	shape.Region = "eu-west1"
	want := []provider.State{
		{
			ID: "ep-1", Name: "nightshift-a1-nightly-totxk0", Phase: provider.Ready, Detail: "running/ready", ReadyReplicas: 3,
			BaseURL: "http://127.0.0.1:1/v1", Model: "dedicated/openai/gpt-oss-120b-tSPQ1iBvCKj3", Shape: shape,
			CreatedAt: time.Date(2026, 11, 21, 2, 0, 0, 123456000, time.UTC),
		},
		{
			ID: "ep-2", Name: "nightshift-a1-other-totxk0", Phase: provider.Unknown, Detail: "WARMING up/",
			BaseURL: "http://127.0.0.1:1/v1", CreatedAt: time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC),
		},
		{ID: "ep-3", Phase: provider.Unknown, BaseURL: "http://127.0.0.1:1/v1"},
	}
	for i := range want {
		if !reflect.DeepEqual(states[i], want[i]) {
			t.Errorf("endpoint %d:\n got %+v\nwant %+v", i, states[i], want[i])
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, 200, testdata(t, "list.json"))
	if state, err := p.Describe(t.Context(), "ep-1"); err != nil || state.Phase != provider.Ready {
		t.Errorf("ep-1: %+v, %v", state, err)
	}
	state, err := p.Describe(t.Context(), "ep-9")
	if want := (provider.State{ID: "ep-9", Phase: provider.Gone}); !reflect.DeepEqual(state, want) || err != nil {
		t.Errorf("ep-9: %+v, %v", state, err)
	}
}

// TestDescribe_GoneNeedsAListing: only a listing that can be read proves that
// an endpoint is gone.
func TestDescribe_GoneNeedsAListing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `"x"`, `<html>`, `{"data": null}`, `{"data": {}}`, `{"data": [null]}`, `{"data": [{"name": "no id"}]}`,
		`{"data": [{"id": ""}]}`, `{"data": [{"id": 7}]}`, `{"data": [`, `{"detail": "Not Found"}`,
	} {
		p, _ := answering(t, 200, body)
		state, err := p.Describe(t.Context(), "ep-9")
		if err == nil || provider.KindOf(err) != provider.Unavailable {
			t.Errorf("%s: %+v, %v, want an error of kind unavailable", body, state, err)
		}
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	const name = "nightshift-a1-nightly-totxk0"
	bare := `{"id": "ep-1", "routing_key": "dedicated/x"}`
	for _, body := range []string{
		bare,
		`{"endpoint": ` + bare + `}`,
		`{"endpoint_id": "ep-1", "routing_key": "dedicated/x"}`,
		`{"endpoint": {"endpoint_id": "ep-1", "routing_key": "dedicated/x"}}`,
	} {
		p, request := answering(t, 201, body)
		state, err := p.Create(t.Context(), name, validShape())
		want := provider.State{
			ID: "ep-1", Name: name, Phase: provider.Provisioning, BaseURL: "http://127.0.0.1:1/v1", Model: "dedicated/x", Shape: validShape(),
		}
		if !reflect.DeepEqual(state, want) || err != nil {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", body, state, err, want)
		}
		wantRequest := `POST /v0/dedicated_endpoints?ai_project_id=p-1 {"name":"` + name + `","description":"nightshift endpoint ` + name +
			`","model_name":"openai/gpt-oss-120b","flavor_name":"base","gpu_type":"gpu-h100-sxm","gpu_count":2,` +
			`"region":"eu-north1","scaling":{"min_replicas":1,"max_replicas":4}}`
		if *request != wantRequest {
			t.Errorf("request:\n got %s\nwant %s", *request, wantRequest)
		}
	}
}

func TestCreate_WithState(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, 201, `{"id": "ep-1", "enabled": true, "deployment": {"status": "error", "readiness": "not_ready"}}`)
	state, err := p.Create(t.Context(), "n", validShape())
	if state.Phase != provider.Stalled || state.Detail != "error/not_ready" || err != nil {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestCreate_UnreadableIsAmbiguous(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `null`, `{}`, `[]`, `"ep-1"`, `{"endpoint": null}`, `{"endpoint": {}}`, `{"id": null}`, `{"id": 7}`} {
		p, _ := answering(t, 201, body)
		state, err := p.Create(t.Context(), "n", validShape())
		if err == nil || provider.KindOf(err) != provider.Ambiguous {
			t.Errorf("%s: %+v, %v, want an error of kind ambiguous", body, state, err)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	const path = " /v0/dedicated_endpoints/ep%2F1?ai_project_id=p-1"
	for _, test := range []struct {
		name   string
		change func(p provider.Provider, id string) error
		want   string
		absent bool // what is absent is an error
	}{
		{"scale", func(p provider.Provider, id string) error {
			return p.Scale(t.Context(), id, provider.Replicas{Min: 0, Max: 2})
		}, "PATCH" + path + ` {"scaling":{"min_replicas":0,"max_replicas":2}}`, true},
		{"start", func(p provider.Provider, id string) error { return p.Start(t.Context(), id) }, "PATCH" + path + ` {"enabled":true}`, true},
		{"stop", func(p provider.Provider, id string) error { return p.Stop(t.Context(), id) }, "PATCH" + path + ` {"enabled":false}`, false},
		{"delete", func(p provider.Provider, id string) error { return p.Delete(t.Context(), id) }, "DELETE" + path, false},
	} {
		for _, answer := range []struct {
			status int
			body   string
		}{{200, `{}`}, {202, `accepted`}, {204, ``}} {
			p, request := answering(t, answer.status, answer.body)
			if err := test.change(p, "ep/1"); err != nil || *request != test.want {
				t.Errorf("%s: %v, request %q, want %q", test.name, err, *request, test.want)
			}
		}
		p, request := answering(t, 404, `{"detail": "Endpoint not found"}`)
		if err := test.change(p, "ep/1"); (err != nil) != test.absent || test.absent && !provider.Absent(err) {
			t.Errorf("%s of what is absent: %v", test.name, err)
		}
		*request = ""
		if err := test.change(p, ""); err == nil || provider.KindOf(err) != provider.Refused || *request != "" {
			t.Errorf("%s without id: %v, request %q", test.name, err, *request)
		}
	}
}

func TestInferenceURL(t *testing.T) {
	t.Parallel()
	const central = "https://api.tokenfactory.nebius.com"
	for _, test := range []struct{ base, inference, region, want string }{
		{"", "", "eu-north1", central + "/v1"},
		{"", "", "", central + "/v1"},
		{"", "", "me-west1", central + "/v1"},
		{"", "", "eu-west1", "https://api.tokenfactory.eu-west1.nebius.com/v1"},
		{"", "", "us-central1", "https://api.tokenfactory.us-central1.nebius.com/v1"},
		{central + "/", "", "eu-west1", "https://api.tokenfactory.eu-west1.nebius.com/v1"},
		{"http://127.0.0.1:8", "", "eu-west1", "http://127.0.0.1:8/v1"},
		{"http://127.0.0.1:8", "http://127.0.0.1:9/x/", "eu-west1", "http://127.0.0.1:9/x"},
		{"", "http://127.0.0.1:9/v1", "eu-west1", "http://127.0.0.1:9/v1"},
	} {
		p, err := New(provider.Settings{Token: token, BaseURL: test.base, InferenceURL: test.inference})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.(*cloud).inferenceURL(test.region); got != test.want {
			t.Errorf("%v: got %s", test, got)
		}
	}
	if _, err := New(provider.Settings{Token: token, InferenceURL: "127.0.0.1:9"}); provider.KindOf(err) != provider.Refused {
		t.Errorf("malformed inference URL: %v", err)
	}
}

func TestPhase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		enabled string // JSON; empty means that the field is absent
		status  string
		ready   string
		want    provider.Phase
	}{
		{"true", "starting", "not_ready", provider.Provisioning},
		{"true", "starting", "partially_ready", provider.Degraded},
		{"true", "starting", "ready", provider.Ready},
		{"true", "running", "not_ready", provider.Provisioning},
		{"true", "running", "partially_ready", provider.Degraded},
		{"true", "running", "ready", provider.Ready},
		{"", "running", "ready", provider.Ready},
		{"true", " Running ", "READY", provider.Ready},
		{"true", "updating", "ready", provider.Ready},
		{"true", "updating", "not_ready", provider.Provisioning},
		{"true", "error", "ready", provider.Ready},
		{"true", "error", "partially_ready", provider.Degraded},
		{"true", "error", "not_ready", provider.Stalled},
		{"true", "stopping", "ready", provider.Stopping},
		{"true", "stopping", "not_ready", provider.Stopping},
		{"false", "stopping", "not_ready", provider.Stopping},
		{"false", "running", "ready", provider.Stopping},
		{"false", "error", "not_ready", provider.Stopping},
		{"false", "stopped", "not_ready", provider.Stopped},
		{"", "stopped", "not_ready", provider.Stopped},
		{"true", "stopped", "not_ready", provider.Provisioning},
		{"true", "warming", "ready", provider.Ready},
		{"true", "warming", "not_ready", provider.Unknown},
		{"true", "starting", "soon", provider.Unknown},
		{"true", "error", "soon", provider.Unknown},
		{"false", "warming", "ready", provider.Unknown},
		{"false", "", "", provider.Unknown},
		{"", "", "", provider.Unknown},
	} {
		var enabled provider.Maybe[bool]
		if test.enabled != "" {
			enabled = provider.Maybe[bool]{Value: test.enabled == "true", Known: true}
		}
		known := func(s string) provider.Maybe[string] { return provider.Maybe[string]{Value: s, Known: true} }
		if got := phase(enabled, word(known(test.status)), word(known(test.ready))); got != test.want {
			t.Errorf("enabled %q, %s/%s: %s, want %s", test.enabled, test.status, test.ready, got, test.want)
		}
	}
}

// FuzzReplies feeds any bytes to every call that decodes an answer.
func FuzzReplies(f *testing.F) {
	for _, name := range []string{"list.json", "templates.json"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"endpoint": {"id": "ep-1", "enabled": false, "deployment": {"status": "stopped"}}}`))
	f.Add([]byte(`{"data": [{"endpoint_id": "ep-1"}, null]}`))
	c := &cloud{}
	check := func(t *testing.T, state provider.State) {
		switch state.Phase {
		case provider.Provisioning, provider.Ready, provider.Degraded, provider.Stalled, provider.Stopping, provider.Stopped, provider.Unknown:
		default:
			t.Errorf("phase %q", state.Phase)
		}
		if state.ID == "" || state.BaseURL == "" || state.ReadyReplicas < 0 || len(state.Detail) > 2*maxDetail+1 {
			t.Errorf("%+v", state)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var endpoints provider.Listing[endpoint]
		if json.Unmarshal(data, &endpoints) == nil {
			for i := range endpoints.Items {
				check(t, c.state(&endpoints.Items[i]))
			}
		}
		var reply created
		if json.Unmarshal(data, &reply) == nil && string(data) != "null" {
			check(t, c.createdState(&reply, "n", validShape()))
		}
		var templates provider.Listing[template]
		if json.Unmarshal(data, &templates) == nil {
			unoffered(templates.Items, validShape())
		}
	})
}
