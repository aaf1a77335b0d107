package togetherv1

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// answer is what a server says to one call.
type answer struct {
	status int
	body   string
}

// service answers each call by its method and path, and with 404 where it knows
// none; "*" stands for every call. It notes what was asked.
type service struct {
	mu       sync.Mutex
	answers  map[string]answer
	requests []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(sent)))
	said, known := s.answers[r.Method+" "+r.URL.EscapedPath()]
	if !known {
		said, known = s.answers["*"]
	}
	if !known {
		said = answer{404, notFound}
	}
	w.WriteHeader(said.status)
	io.WriteString(w, said.body)
}

const notFound = `{"error": {"message": "Endpoint not found", "type": "not_found", "param": null, "code": null}}`

func against(t *testing.T, answers map[string]answer) (provider.Provider, *service) {
	t.Helper()
	s := &service{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(provider.Settings{Token: "tg-secret", BaseURL: server.URL + "/", InferenceURL: "http://127.0.0.1:1/v1"})
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func validShape() provider.Shape {
	return provider.Shape{
		Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "nvidia_h100_80gb_sxm", Count: 1},
		Replicas: provider.Replicas{Min: 1, Max: 4},
	}
}

const whole = `{"object": "endpoint", "id": "endpoint-1", "name": "devuser/openai/gpt-oss-120b-a32b82a1",
	"display_name": "nightshift-a1-nightly-totxk0", "model": "openai/gpt-oss-120b", "hardware": "1x_nvidia_h100_80gb_sxm",
	"type": "dedicated", "owner": "devuser", "state": "STARTED", "autoscaling": {"min_replicas": 2, "max_replicas": 4},
	"created_at": "2026-11-21T02:00:00.405Z"}`

func wholeState() provider.State {
	shape := validShape()
	shape.Replicas.Min = 2
	return provider.State{
		ID: "endpoint-1", Name: "nightshift-a1-nightly-totxk0", Phase: provider.Ready, Detail: "STARTED", ReadyReplicas: 2,
		BaseURL: "http://127.0.0.1:1/v1", Model: "devuser/openai/gpt-oss-120b-a32b82a1", Shape: shape,
		CreatedAt: time.Date(2026, 11, 21, 2, 0, 0, 405_000_000, time.UTC),
	}
}

// TestCreate sends every field of the documented request.
func TestCreate(t *testing.T) {
	t.Parallel()
	p, s := against(t, map[string]answer{"*": {200, strings.Replace(whole, `"STARTED"`, `"PENDING"`, 1)}})
	shape := validShape()
	shape.Region, shape.IdleStop = "us-central-4b", 90*time.Second
	shape.Options = map[string]string{"disable_prompt_cache": "true", "disable_speculative_decoding": "false"}
	const name = "nightshift-a1-nightly-totxk0"
	got, err := p.Create(t.Context(), name, shape)
	want := wholeState()
	want.Phase, want.Detail, want.ReadyReplicas, want.Shape = provider.Provisioning, "PENDING", 0, shape
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	wantRequest := `POST /v1/endpoints {"display_name":"` + name + `","model":"openai/gpt-oss-120b","hardware":"1x_nvidia_h100_80gb_sxm",` +
		`"autoscaling":{"min_replicas":1,"max_replicas":4},"disable_prompt_cache":true,"disable_speculative_decoding":false,` +
		`"state":"STARTED","inactive_timeout":2,"availability_zone":"us-central-4b"}`
	if len(s.requests) != 1 || s.requests[0] != wantRequest {
		t.Errorf("requests:\n got %s\nwant %s", s.requests, wantRequest)
	}
}

func TestCreate_Replies(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]provider.Kind{
		`{"id": "endpoint-1"}`: "", ``: provider.Ambiguous, `null`: provider.Ambiguous, `{}`: provider.Ambiguous,
		`[]`: provider.Ambiguous, `{"id": ""}`: provider.Ambiguous, `{"id": 7}`: provider.Ambiguous,
	} {
		p, _ := against(t, map[string]answer{"*": {200, body}})
		state, err := p.Create(t.Context(), "n", validShape())
		if want == "" && (err != nil || state.Phase != provider.Provisioning || state.Name != "n") {
			t.Errorf("%s: %+v, %v", body, state, err)
		}
		if want != "" && (err == nil || provider.KindOf(err) != want) {
			t.Errorf("%s: %+v, %v, want an error of kind %s", body, state, err, want)
		}
	}
	p, s := against(t, nil)
	shape := validShape()
	shape.Options = map[string]string{"disable_prompt_cache": "perhaps"}
	if _, err := p.Create(t.Context(), "n", shape); provider.KindOf(err) != provider.Refused || len(s.requests) != 0 {
		t.Errorf("bad option: %v, requests %q", err, s.requests)
	}
}

// TestClosed: the service's refusal is not the token's fault.
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"error": {"type": "invalid_request_error", "message": "No.", "param": null, "code": "endpoints_v1_create_access_disabled"}}`,
		`{"error": {"type": "endpoints_v1_create_access_disabled", "message": "No."}}`,
		`{"error": {"message": "endpoints_v1_create_access_disabled", "type": "x"}}`,
		`{"code": "endpoints_v1_create_access_disabled", "message": "No."}`,
	} {
		p, _ := against(t, map[string]answer{"*": {403, body}})
		_, createErr := p.Create(t.Context(), "n", validShape())
		for does, err := range map[string]error{"creates": createErr, "starts": p.Start(t.Context(), "endpoint-1")} {
			said, ok := errors.AsType[*provider.Error](err)
			if !ok || said.Kind != provider.Refused || said.Status != 403 || said.Code != closedCode ||
				!strings.Contains(said.Message, does) || !strings.Contains(said.Message, "provider: together,") {
				t.Errorf("%s: %v", body, err)
			}
		}
		if err := p.Stop(t.Context(), "endpoint-1"); provider.KindOf(err) != provider.Unauthorized {
			t.Errorf("stop: %v", err)
		}
	}
	p, _ := against(t, map[string]answer{"*": {403, `{"error": {"type": "forbidden", "message": "No."}}`}})
	if _, err := p.Create(t.Context(), "n", validShape()); provider.KindOf(err) != provider.Unauthorized {
		t.Errorf("another 403: %v", err)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	const path = " /v1/endpoints/endpoint%2F1"
	for _, test := range []struct {
		name   string
		change func(p provider.Provider, id string) error
		want   string
		absent bool // what is absent is an error
	}{
		{"scale", func(p provider.Provider, id string) error {
			return p.Scale(t.Context(), id, provider.Replicas{Min: 0, Max: 2})
		}, "PATCH" + path + ` {"autoscaling":{"min_replicas":0,"max_replicas":2}}`, true},
		{"start", func(p provider.Provider, id string) error { return p.Start(t.Context(), id) }, "PATCH" + path + ` {"state":"STARTED"}`, true},
		{"stop", func(p provider.Provider, id string) error { return p.Stop(t.Context(), id) }, "PATCH" + path + ` {"state":"STOPPED"}`, false},
		{"delete", func(p provider.Provider, id string) error { return p.Delete(t.Context(), id) }, "DELETE" + path, false},
	} {
		for _, said := range []answer{{200, whole}, {202, `accepted`}, {204, ``}} {
			p, s := against(t, map[string]answer{"*": said})
			if err := test.change(p, "endpoint/1"); err != nil || len(s.requests) != 1 || s.requests[0] != test.want {
				t.Errorf("%s: %v, requests %q, want %q", test.name, err, s.requests, test.want)
			}
		}
		p, s := against(t, nil)
		if err := test.change(p, "endpoint/1"); (err != nil) != test.absent || test.absent && !provider.Absent(err) {
			t.Errorf("%s of what is absent: %v", test.name, err)
		}
		if err := test.change(p, ""); err == nil || provider.KindOf(err) != provider.Refused || len(s.requests) != 1 {
			t.Errorf("%s without id: %v, requests %q", test.name, err, s.requests)
		}
	}
}

func TestInferenceURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, inference, want string }{
		{"", "", "https://api.together.ai/v1"},
		{"http://127.0.0.1:8/", "", "http://127.0.0.1:8/v1"},
		{"http://127.0.0.1:8", "http://127.0.0.1:9/x/", "http://127.0.0.1:9/x"},
	} {
		p, err := New(provider.Settings{Token: "t", BaseURL: test.base, InferenceURL: test.inference})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.(*cloud).inference; got != test.want {
			t.Errorf("%v: got %s", test, got)
		}
	}
	if _, err := New(provider.Settings{Token: "t", InferenceURL: "127.0.0.1:9"}); provider.KindOf(err) != provider.Refused {
		t.Errorf("malformed inference URL: %v", err)
	}
}

// FuzzReplies feeds any bytes to every call that decodes an answer.
func FuzzReplies(f *testing.F) {
	offered, err := os.ReadFile("testdata/hardware.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(offered)
	f.Add([]byte(whole))
	f.Add([]byte(`{"data": [` + whole + `, null]}`))
	c := &cloud{inference: "http://127.0.0.1:1/v1"}
	f.Fuzz(func(t *testing.T, data []byte) {
		var one endpoint
		if json.Unmarshal(data, &one) == nil && string(data) != "null" {
			if state := c.state(&one); state.ID == "" || state.ReadyReplicas < 0 || len(state.Detail) > maxDetail {
				t.Errorf("%+v", state)
			}
		}
		var offered provider.Listing[hardware]
		if json.Unmarshal(data, &offered) == nil {
			for i := range offered.Items {
				if o := offered.Items[i].offer("m"); o.GPU.Count < 0 || o.Price.PerHour < 0 || len(o.Detail) > maxDetail {
					t.Errorf("%+v", o)
				}
			}
		}
	})
}
