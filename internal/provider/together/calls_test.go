package together

import (
	"net/http/httptest"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

func TestList_Pages(t *testing.T) {
	t.Parallel()
	p, s := against(t, map[string][]string{"GET " + shells: {
		`{"data": [{"id": "ep_1"}, {"id": "ep_2"}], "next_cursor": "c/1"}`,
		`{"data": [], "next_cursor": "c/2"}`,
		`{"data": [{"id": "ep_3"}], "next_cursor": ""}`,
	}})
	states, err := p.List(t.Context())
	if err != nil || len(states) != 3 {
		t.Errorf("got %+v, %v", states, err)
	}
	s.wants(t, "GET "+shells+"?limit=500", "GET "+shells+"?after=c%2F1&limit=500", "GET "+shells+"?after=c%2F2&limit=500")
}

// TestProject: the key's project is asked for once, and only if none is given.
func TestProject(t *testing.T) {
	t.Parallel()
	s := &service{answers: map[string][]string{
		"GET /v1/whoami":                   {`503 busy`, `{}`, `{"project_id": "p/2", "project_slug": "acme"}`},
		"GET /v2/projects/p%2F2/endpoints": {`{"data": []}`},
	}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(provider.Settings{Token: token, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		_, err := p.List(t.Context())
		if failed := i < 2; failed != (err != nil) || failed && provider.KindOf(err) != provider.Unavailable {
			t.Errorf("list %d: %v", i, err)
		}
	}
	s.wants(t, "GET /v1/whoami", "GET /v1/whoami", "GET /v1/whoami",
		"GET /v2/projects/p%2F2/endpoints?limit=500", "GET /v2/projects/p%2F2/endpoints?limit=500")
	s.answers, p.(*cloud).project = nil, ""
	if err := p.Delete(t.Context(), "ep_1"); err == nil || provider.KindOf(err) != provider.Refused {
		t.Errorf("delete without a project: %v", err)
	}
}

func TestInferenceURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, inference, want string }{
		{"", "", "https://api-inference.together.ai/v1"},
		{"https://api.together.ai/", "", "https://api-inference.together.ai/v1"},
		{"http://127.0.0.1:8", "", "http://127.0.0.1:8/v1"},
		{"http://127.0.0.1:8", "http://127.0.0.1:9/x/", "http://127.0.0.1:9/x"},
	} {
		p, err := New(provider.Settings{Token: token, BaseURL: test.base, InferenceURL: test.inference})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.(*cloud).inference; got != test.want {
			t.Errorf("%v: got %s", test, got)
		}
	}
	if _, err := New(provider.Settings{Token: token, InferenceURL: "127.0.0.1:9"}); provider.KindOf(err) != provider.Refused {
		t.Errorf("malformed inference URL: %v", err)
	}
}
