package together

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const (
	token     = "tgp-secret"
	inference = "http://127.0.0.1:1/v1"
	shells    = "/v2/projects/p-1/endpoints"
)

// service answers each call, "METHOD path", with the next of its answers, and
// then again and again with the last. An answer is a body, or "409 body".
type service struct {
	mu      sync.Mutex
	answers map[string][]string
	calls   []string // with query and body
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent, _ := io.ReadAll(r.Body)
	s.calls = append(s.calls, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(sent)))
	answers := s.answers[r.Method+" "+r.URL.EscapedPath()]
	if len(answers) == 0 {
		http.Error(w, `{"message": "not found"}`, http.StatusNotFound)
		return
	}
	if len(answers) > 1 {
		s.answers[r.Method+" "+r.URL.EscapedPath()] = answers[1:]
	}
	if status, body, ok := strings.Cut(answers[0], " "); ok && len(status) == 3 && status[0] >= '2' && status[0] <= '5' {
		w.WriteHeader(int(status[0]-'0')*100 + int(status[1]-'0')*10 + int(status[2]-'0'))
		io.WriteString(w, body)
		return
	}
	io.WriteString(w, answers[0])
}

// against returns the provider against a service with those answers.
func against(t *testing.T, answers map[string][]string) (provider.Provider, *service) {
	t.Helper()
	s := &service{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(provider.Settings{Token: token, BaseURL: server.URL, InferenceURL: inference, Project: "p-1"})
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (s *service) wants(t *testing.T, calls ...string) {
	t.Helper()
	if !slices.Equal(s.calls, calls) {
		t.Errorf("calls:\n got %s\nwant %s", strings.Join(s.calls, "\n     "), strings.Join(calls, "\n     "))
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	p, s := against(t, map[string][]string{"GET " + shells: {testdata(t, "endpoints.json")}})
	states, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.wants(t, "GET "+shells+"?limit=500")
	want := []provider.State{
		{
			ID: "ep_1", Name: "nightshift-a1-nightly-totxk0", Phase: provider.Ready, Detail: "ready", ReadyReplicas: 3,
			BaseURL: inference, Model: "acme/nightshift-a1-nightly-totxk0",
			Shape: provider.Shape{
				GPU: provider.GPU{Type: "nvidia-h100-80gb", Count: 8}, Replicas: provider.Replicas{Min: 1, Max: 4},
			},
			CreatedAt: time.Date(2026, 11, 21, 2, 0, 0, 500e6, time.UTC),
		},
		{ID: "ep_2", Name: "somebody-elses", Phase: provider.Partial, Detail: "no deployment", BaseURL: inference, Model: "acme/somebody-elses"},
		{ID: "ep_3", Phase: provider.Unknown, Detail: "no state (not in the traffic split)", BaseURL: inference},
		{ID: "ep_4", Phase: provider.Unknown, Detail: "no deployment", BaseURL: inference},
		{
			ID: "ep_5", Name: "bare", Phase: provider.Unknown, Detail: "hibernating (not in the traffic split)", BaseURL: inference, Model: "bare",
			Shape: provider.Shape{GPU: provider.GPU{Type: "special"}},
		},
	}
	for i := range want {
		if !reflect.DeepEqual(states[i], want[i]) {
			t.Errorf("endpoint %d:\n got %+v\nwant %+v", i, states[i], want[i])
		}
	}
}

// TestList_Unreadable: only a listing that can be read to its end proves that
// something is not in it.
func TestList_Unreadable(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `<html>`, `{"data": null}`, `{"data": {}}`, `{"data": [null]}`, `{"data": [{"name": "no id"}]}`,
		`{"data": [{"id": ""}]}`, `{"data": [{"id": 7}]}`, `{"data": [`, `{"data": [], "next_cursor": 7}`, `{"data": [], "next_cursor": "same"}`,
	} {
		p, _ := against(t, map[string][]string{"GET " + shells: {body}})
		for name, read := range map[string]func() error{
			"list":     func() error { _, err := p.List(t.Context()); return err },
			"describe": func() error { _, err := p.Describe(t.Context(), "ep_9"); return err },
		} {
			if err := read(); err == nil || provider.KindOf(err) != provider.Unavailable {
				t.Errorf("%s of %s: %v, want an error of kind unavailable", name, body, err)
			}
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	const one, deployment = "GET " + shells + "/ep_1", "GET " + shells + "/ep_1/deployments/dep_1"
	shell := func(split string) string {
		return `{"id": "ep_1", "name": "acme/n", "trafficSplit": [` + split + `], "deployments": [{"id": "dep_1", "state": "DEPLOYMENT_STATE_READY"}]}`
	}
	const routed = `{"deploymentId": "dep_1", "weight": 1}`
	short := `{"id": "dep_1", "status": {"state": "DEPLOYMENT_STATE_DEGRADED", "message": "insufficient\nGPU capacity", "readyReplicas": 0}}`
	for _, test := range []struct {
		name    string
		answers map[string][]string
		phase   provider.Phase
		detail  string
	}{
		{"the deployment tells why", map[string][]string{one: {shell(routed)}, deployment: {short}}, provider.Stalled, "degraded: insufficient GPU capacity"},
		{"not in the split", map[string][]string{one: {shell("")}, deployment: {short}}, provider.Partial,
			"degraded: insufficient GPU capacity (not in the traffic split)"},
		{"deployment just deleted", map[string][]string{one: {shell("")}}, provider.Partial, "no deployment"},
		{"not listed either", map[string][]string{"GET " + shells: {`{"data": []}`}}, provider.Gone, ""},
		{"listed after all", map[string][]string{"GET " + shells: {`{"data": [` + shell(routed) + `]}`}}, provider.Ready, "ready"},
	} {
		p, _ := against(t, test.answers)
		state, err := p.Describe(t.Context(), "ep_1")
		if err != nil || state.ID != "ep_1" || state.Phase != test.phase || state.Detail != test.detail {
			t.Errorf("%s: %+v, %v", test.name, state, err)
		}
	}
	// A wrong project answers 404 to everything, which proves nothing.
	p, _ := against(t, nil)
	if state, err := p.Describe(t.Context(), "ep_1"); err == nil {
		t.Errorf("nothing found: %+v", state)
	}
}

// FuzzReplies feeds any bytes to everything that decodes an answer.
func FuzzReplies(f *testing.F) {
	for _, name := range []string{"endpoints.json", "models.json", "instance-types.json"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Add([]byte(`{"id": "ep_1", "trafficSplit": [{}], "deployments": [{"id": "d", "status": {"state": "DEPLOYMENT_STATE_READY"}}]}`))
	c := &cloud{inference: inference}
	check := func(t *testing.T, e *endpoint) {
		state := c.state(e, e.ours())
		if state.ID == "" || state.Phase == "" || state.Phase == provider.Gone || state.ReadyReplicas < 0 || len(state.Detail) > maxDetail {
			t.Errorf("%+v", state)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var one endpoint
		if json.Unmarshal(data, &one) == nil && string(data) != "null" {
			check(t, &one)
		}
		var endpoints page[endpoint]
		if json.Unmarshal(data, &endpoints) == nil {
			for i := range endpoints.Items {
				check(t, &endpoints.Items[i])
			}
		}
		var models page[model]
		var hardware page[instance]
		if json.Unmarshal(data, &models) != nil || json.Unmarshal(data, &hardware) != nil {
			return
		}
		for _, m := range models.Items {
			if p, problems := judge(models.Items, provider.Shape{Model: m.Name.Value, Replicas: provider.Replicas{Min: 1, Max: 1}}); (p == nil) == (len(problems) == 0) {
				t.Errorf("%q: %v, %v", m.Name.Value, p, problems)
			}
			for i := range m.Profiles.Value {
				offerOf(m.Name.Value, &m.Profiles.Value[i], fitting(hardware.Items, &m.Profiles.Value[i]), "")
			}
		}
	})
}
