package lyceum

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

const (
	token = "lk_secret_of_the_test"
	first = "910a2dec-8902-4cc1-85e4-ab087439611e"
)

// answer is what a server says to a request.
type answer struct {
	status int
	body   string
}

// serving returns the provider against a server that answers each "METHOD
// /path", or else with the answer of "", and notes the requests.
func serving(t testing.TB, environment map[string]string, answers map[string]answer) (p provider.Provider, requests *[]string) {
	t.Helper()
	requests = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		*requests = append(*requests, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(sent)))
		if org := r.Header.Get("X-Org-Slug"); org != "acme" {
			t.Errorf("organization %q", org)
		}
		a, known := answers[r.Method+" "+r.RequestURI]
		if !known {
			a = answers[""]
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	}))
	t.Cleanup(server.Close)
	p, err := New(provider.Settings{
		Token: token, BaseURL: server.URL, InferenceURL: "http://127.0.0.1:1/x/", Project: "acme",
		Lookup: func(name string) string { return environment[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, requests
}

// answering is serving with one answer to everything.
func answering(t testing.TB, status int, body string) (p provider.Provider, requests *[]string) {
	t.Helper()
	return serving(t, nil, map[string]answer{"": {status, body}})
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestList(t *testing.T) {
	t.Parallel()
	p, requests := answering(t, 200, testdata(t, "list.json"))
	states, err := p.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"GET /api/v2/external/inference/list"}; !reflect.DeepEqual(*requests, want) {
		t.Errorf("requests %q, want %q", *requests, want)
	}
	const base = "http://127.0.0.1:1/x"
	want := []provider.State{
		{
			ID: first, Phase: provider.Ready, Detail: "running; 3 healthy replicas", ReadyReplicas: 3, BaseURL: base, Model: first,
			Shape: provider.Shape{
				Model: "org/model", GPU: provider.GPU{Type: "gpu.h100", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 4},
			},
			CreatedAt: time.Date(2026, 11, 21, 2, 0, 0, 123456000, time.UTC),
		},
		{
			ID: "975835de1c9746ce86464c4f0fd784b4", Phase: provider.Stopped, Detail: "PAUSED; the next request starts it again",
			BaseURL: base, Model: "975835de1c9746ce86464c4f0fd784b4", Shape: provider.Shape{Model: "org/model"},
			CreatedAt: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC),
		},
		{ID: "d-3", Phase: provider.Unknown, Detail: "Hibernating soundly; -1 healthy replicas", BaseURL: base, Model: "d-3"},
		{ID: "d-4", Phase: provider.Unknown, BaseURL: base, Model: "d-4"},
		{
			ID: "d-5", Phase: provider.Degraded, Detail: "running; 2 healthy replicas", ReadyReplicas: 2, BaseURL: base, Model: "d-5",
			Shape: provider.Shape{Replicas: provider.Replicas{Min: 3}},
		},
		{ID: "d-6", Phase: provider.Provisioning, Detail: "pending; 0 healthy replicas", BaseURL: base, Model: "d-6"},
	}
	if len(states) != len(want) {
		t.Fatalf("%d deployments, want %d: %+v", len(states), len(want), states)
	}
	for i := range want {
		if !reflect.DeepEqual(states[i], want[i]) {
			t.Errorf("deployment %d:\n got %+v\nwant %+v", i, states[i], want[i])
		}
	}
}

func TestList_Forms(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`[{"id": "d-1"}]`,
		`{"data": [{"deployment_id": "d-1", "id": 7}], "total": 1, "has_more": false, "next": null}`,
		`{"items": [{"id": "d-1"}], "total": "unknown"}`,
		`{"results": [{"id": "d-1"}], "next_cursor": ""}`,
	} {
		p, _ := answering(t, 200, body)
		states, err := p.List(t.Context())
		if err != nil || len(states) != 1 || states[0].ID != "d-1" {
			t.Errorf("%s: %+v, %v", body, states, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, 200, testdata(t, "list.json"))
	for id, want := range map[string]provider.Phase{
		first:                                  provider.Ready,
		strings.ReplaceAll(first, "-", ""):     provider.Ready,
		strings.ToUpper(first):                 provider.Ready,
		"975835de-1c97-46ce-8646-4c4f0fd784b4": provider.Stopped,
		"d-6":                                  provider.Provisioning, // an earlier one with that id ended
		"d-7":                                  provider.Gone,
		"d-9":                                  provider.Gone,
		"":                                     provider.Gone,
	} {
		state, err := p.Describe(t.Context(), id)
		if err != nil || state.ID != id || state.Phase != want {
			t.Errorf("%s: %+v, %v, want %s", id, state, err, want)
		}
		if gone := (provider.State{ID: id, Phase: provider.Gone}); want == provider.Gone && !reflect.DeepEqual(state, gone) {
			t.Errorf("%s: %+v, want %+v", id, state, gone)
		}
	}
}

// TestDescribe_GoneNeedsAListing: only a whole listing that can be read proves
// that a deployment is gone.
func TestDescribe_GoneNeedsAListing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `{}`, `"x"`, `<html>`, `{"deployments": null}`, `{"deployments": {}}`, `[null]`, `{"data": [{"status": "running"}]}`,
		`{"data": [{"id": ""}]}`, `[{"id": 7}]`, `{"data": [`, `{"detail": "Not Found"}`, `{"total": 0}`,
	} {
		p, _ := answering(t, 200, body)
		if state, err := p.Describe(t.Context(), "d-9"); err == nil || provider.KindOf(err) != provider.Unavailable {
			t.Errorf("%s: %+v, %v, want an error of kind unavailable", body, state, err)
		}
	}
	for body, says := range map[string]string{
		`{"deployments": [{"id": "d-1"}], "total": 2}`: "1 of 2",
		`{"data": [{"id": "d-1"}], "has_more": true}`:  "another page",
		`{"data": [{"id": "d-1"}], "next": "/page/2"}`: "another page",
		`{"data": [], "next_cursor": "x"}`:             "another page",
	} {
		p, _ := answering(t, 200, body)
		_, listed := p.List(t.Context())
		_, described := p.Describe(t.Context(), "d-9")
		for _, err := range []error{listed, described} {
			if err == nil || provider.KindOf(err) != provider.Refused || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), listSetting) {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
	p, _ := answering(t, 200, `{"data": [{"id": "d-1", "status": "paused"}], "has_more": true}`)
	if state, err := p.Describe(t.Context(), "d-1"); err != nil || state.Phase != provider.Stopped {
		t.Errorf("on the first page: %+v, %v", state, err)
	}
}

// TestNoListing: a missing page is not a missing deployment.
func TestNoListing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 405, 410} {
		p, _ := answering(t, status, `{"detail": "Not Found"}`)
		state, err := p.Describe(t.Context(), "d-1")
		if err != nil || state.Phase != provider.Unknown || state.Model != "d-1" || state.BaseURL == "" {
			t.Errorf("%d: %+v, %v", status, state, err)
		}
		if states, err := p.List(t.Context()); provider.KindOf(err) != provider.Refused || provider.Absent(err) || states != nil {
			t.Errorf("%d: %+v, %v", status, states, err)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	const stop, list = "DELETE /api/v2/external/inference/d%2F1", "GET /api/v2/external/inference/list"
	notFound := answer{404, `{"detail": "Not Found"}`}
	for _, test := range []struct {
		name          string
		stopped, list answer
		kind          provider.Kind // empty: no error
		says          string
	}{
		{"accepted", answer{200, `{}`}, answer{500, ``}, "", ""},
		{"accepted without words", answer{204, ``}, answer{500, ``}, "", ""},
		{"busy", answer{409, `{"detail": "still pending"}`}, answer{500, ``}, provider.Unavailable, "still pending"},
		{"absent", notFound, answer{200, `[]`}, "", ""},
		{"ended", notFound, answer{200, `[{"id": "d/1", "status": "stopped"}]`}, "", ""},
		{"ending", notFound, answer{200, `[{"id": "d/1", "status": "stopping"}]`}, "", ""},
		{"running all the same", notFound, answer{200, `[{"id": "d/1", "status": "running"}]`}, provider.Refused, "LYCEUM_STOP_PATH"},
		{"wrong method", answer{405, ``}, answer{200, `[{"id": "d/1", "status": "pending"}]`}, provider.Refused, "LYCEUM_STOP_METHOD"},
		{"nothing is where it is assumed", notFound, notFound, provider.Refused, "one hour"},
		{"listing fails", notFound, answer{502, ``}, provider.Unavailable, "list deployments"},
	} {
		p, requests := serving(t, nil, map[string]answer{stop: test.stopped, list: test.list})
		err := p.Delete(t.Context(), "d/1")
		if (err == nil) != (test.kind == "") || err != nil && (provider.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want kind %q", test.name, err, test.kind)
		}
		if (*requests)[0] != stop {
			t.Errorf("%s: requests %q", test.name, *requests)
		}
	}
	p, requests := answering(t, 200, `{}`)
	if err := p.Delete(t.Context(), ""); provider.KindOf(err) != provider.Refused || len(*requests) > 0 {
		t.Errorf("without id: %v, requests %q", err, *requests)
	}
}

// TestUndocumented: what Lyceum has no call for is refused without one.
func TestUndocumented(t *testing.T) {
	t.Parallel()
	p, requests := answering(t, 200, `{}`)
	for _, err := range []error{
		p.Scale(t.Context(), "d-1", provider.Replicas{Min: 1, Max: 1}), p.Start(t.Context(), "d-1"), p.Stop(t.Context(), "d-1"),
	} {
		if err == nil || provider.KindOf(err) != provider.Refused || len(*requests) > 0 {
			t.Errorf("%v, requests %q", err, *requests)
		}
	}
}

func TestPhase(t *testing.T) {
	t.Parallel()
	none := provider.Maybe[int]{}
	n := func(n int) provider.Maybe[int] { return provider.Maybe[int]{Value: n, Known: true} }
	for _, test := range []struct {
		status  string
		healthy provider.Maybe[int]
		wanted  int
		want    provider.Phase
	}{
		{"pending", none, 1, provider.Provisioning},
		{"pending", n(0), 1, provider.Provisioning},
		{"pending", n(1), 2, provider.Degraded},
		{"starting", n(2), 2, provider.Ready},
		{"running", none, 0, provider.Ready},
		{"running", n(0), 0, provider.Provisioning},
		{"running", n(1), 0, provider.Ready},
		{"running", n(1), 3, provider.Degraded},
		{"paused", n(0), 1, provider.Stopped},
		{"paused", n(1), 1, provider.Stopped},
		{"stopping", n(1), 1, provider.Stopping},
		{"stopped", none, 1, provider.Gone},
		{"terminated", none, 1, provider.Gone},
		{"deleted", none, 1, provider.Gone},
		{"failed", n(1), 1, provider.Stalled},
		{"healthy", n(1), 1, provider.Unknown},
		{"", n(1), 1, provider.Unknown},
		{"", none, 0, provider.Unknown},
	} {
		if got := phase(test.status, test.healthy, test.wanted); got != test.want {
			t.Errorf("%q, healthy %v of %d: %s, want %s", test.status, test.healthy, test.wanted, got, test.want)
		}
	}
}

// FuzzReplies feeds any bytes to everything that decodes an answer.
func FuzzReplies(f *testing.F) {
	for _, name := range []string{"list.json", "pricing.json"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Add([]byte(`{"deployment_id": "d-1", "status": "pending"}`))
	f.Add([]byte(`[{"id": "d-1", "replicas": [{"status": "healthy"}, null]}]`))
	c := &cloud{settings: settings{inference: "http://127.0.0.1:1"}}
	check := func(t *testing.T, d *deployment) {
		state := c.state(d)
		if state.ID == "" || state.Model == "" || state.Phase == "" || state.ReadyReplicas < 0 || len(state.Detail) > 2*maxDetail {
			t.Errorf("%+v", state)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var listed listing
		if json.Unmarshal(data, &listed) == nil {
			for i := range listed.items {
				check(t, &listed.items[i])
			}
		}
		var created deployment
		if json.Unmarshal(data, &created) == nil && strings.TrimSpace(string(data)) != "null" {
			check(t, &created)
		}
		var prices priceList
		if err := json.Unmarshal(data, &prices); err != nil && json.Valid(data) {
			t.Errorf("a price list is unreadable: %v", err)
		}
		for profile, price := range prices {
			if profile == "" || !positive(price.PerHour) || len(price.Currency) != 3 {
				t.Errorf("%q: %+v", profile, price)
			}
		}
	})
}
