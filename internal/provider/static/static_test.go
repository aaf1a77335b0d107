package static

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// answering returns the provider against a server that answers every call
// alike, and notes the last request and its Authorization header.
func answering(t *testing.T, token string, status int, body string) (p provider.Provider, request *string) {
	t.Helper()
	request = new(string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*request = r.Method + " " + r.RequestURI
		for _, value := range r.Header.Values("Authorization") {
			*request += " " + value
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	p, err := New(provider.Settings{Token: token, InferenceURL: server.URL + "/v1/"})
	if err != nil {
		t.Fatal(err)
	}
	return p, request
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		settings provider.Settings
		kind     provider.Kind
		says     string
	}{
		{provider.Settings{}, provider.Refused, "set base_url in the job's endpoint"},
		{provider.Settings{InferenceURL: "localhost/v1"}, provider.Refused, "https://host/path"},
		{provider.Settings{InferenceURL: "http://me:secret@127.0.0.1/v1"}, provider.Refused, "must not hold credentials"},
		{provider.Settings{InferenceURL: "http://127.0.0.1/v1", Token: "a\nb"}, provider.Unauthorized, "characters"},
	} {
		_, err := New(test.settings)
		if err == nil || provider.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v, want kind %s that says %q", test.settings, err, test.kind, test.says)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{"": "GET /v1/models", "  ": "GET /v1/models", "key": "GET /v1/models Bearer key"} {
		p, request := answering(t, token, 200, `{"data": [{"id": "m"}]}`)
		if _, err := p.Check(t.Context(), provider.Shape{Model: "m"}); err != nil || *request != want {
			t.Errorf("token %q: %v, request %q, want %q", token, err, *request, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		shape  provider.Shape
		kind   provider.Kind
		says   string
	}{
		{"served", 200, `{"object": "list", "data": [{"id": "m", "max_model_len": 4096}]}`, provider.Shape{Model: "m"}, "", ""},
		{"llama.cpp", 200, `{"models": [{"name": "m"}], "object": "list", "data": [{"id": "m"}]}`, provider.Shape{Model: "m"}, "", ""},
		{"Ollama's tag", 200, `{"data": [{"id": "m:latest"}]}`, provider.Shape{Model: "m"}, "", ""},
		{"another tag", 200, `{"data": [{"id": "m:latest"}]}`, provider.Shape{Model: "m:8b"}, provider.Refused, `"m:8b" is none of m:latest`},
		{"bare list", 200, `[{"id": "m"}]`, provider.Shape{Model: "m"}, "", ""},
		{"not served", 200, `{"data": [{"id": "z"}, {"id": "meta/m"}, {"id": "z"}]}`, provider.Shape{Model: "m"}, provider.Refused,
			`model "m" is none of meta/m, z; did you mean meta/m?`},
		{"nothing served", 200, `{"data": []}`, provider.Shape{Model: "m"}, provider.Refused, "nothing is"},
		{"no list", 200, `{"status": "ok"}`, provider.Shape{Model: "m"}, "", ""},
		{"null", 200, `null`, provider.Shape{Model: "m"}, "", ""},
		{"odd items", 200, `{"data": [{"id": 7}, {"id": "z"}]}`, provider.Shape{Model: "m"}, "", ""},
		{"no route", 404, `not found`, provider.Shape{Model: "m"}, "", ""},
		{"no method", 405, ``, provider.Shape{Model: "m"}, "", ""},
		{"not JSON", 200, `ok`, provider.Shape{Model: "m"}, provider.Unavailable, "unreadable"},
		{"loading", 503, `{"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}`, provider.Shape{Model: "m"},
			provider.Unavailable, "Loading model"},
		{"token refused", 401, `{"error": "Unauthorized"}`, provider.Shape{Model: "m"}, provider.Unauthorized, ""},
		{"all at once", 404, ``, provider.Shape{Flavor: "f", Region: "r", Options: map[string]string{"x": "y"}}, provider.Refused,
			"model is missing; flavor: an endpoint that exists already has none to choose; region: an endpoint that exists already has none to choose; options.x: "},
	} {
		p, _ := answering(t, "", test.status, test.body)
		_, err := p.Check(t.Context(), test.shape)
		if test.kind == "" && err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if test.kind != "" && (err == nil || provider.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want kind %s that says %q", test.name, err, test.kind, test.says)
		}
	}
}

func TestCheck_Offer(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, "", 404, ``)
	gpu := provider.GPU{Type: "rtx-4090", Count: 2}
	if offer, err := p.Check(t.Context(), provider.Shape{Model: "m", GPU: gpu}); err != nil || offer.Model != "m" || offer.GPU != gpu {
		t.Errorf("%+v, %v", offer, err)
	}
	if offers, err := p.Catalogue(t.Context(), ""); err != nil || len(offers) != 0 {
		t.Errorf("catalogue: %+v, %v", offers, err)
	}
	p, _ = answering(t, "", 200, `{"data": [{"id": "a"}, {"id": "b"}]}`)
	if offers, err := p.Catalogue(t.Context(), "b"); err != nil || len(offers) != 1 || offers[0].Model != "b" {
		t.Errorf("catalogue: %+v, %v", offers, err)
	}
}

// TestDescribe_Another: an id from another server is not answered for.
func TestDescribe_Another(t *testing.T) {
	t.Parallel()
	p, request := answering(t, "", 200, `{}`)
	if state, err := p.Describe(t.Context(), "http://127.0.0.1:1/v1#m"); provider.KindOf(err) != provider.Refused || err == nil || *request != "" {
		t.Errorf("%+v, %v, request %q", state, err, *request)
	}
}
