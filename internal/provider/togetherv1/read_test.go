package togetherv1

import (
	"reflect"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// TestList: items are completed one by one, and those that vanished meanwhile
// are left out.
func TestList(t *testing.T) {
	t.Parallel()
	p, s := against(t, map[string]answer{
		"GET /v1/endpoints": {200, `{"object": "list", "data": [
			{"object": "endpoint", "id": "endpoint-1", "name": "n", "type": "dedicated", "state": "STARTED"},
			{"id": "endpoint-2"}, {"id": "endpoint/3", "state": 7}]}`},
		"GET /v1/endpoints/endpoint-1":   {200, whole},
		"GET /v1/endpoints/endpoint%2F3": {200, `{"id": "endpoint/3", "display_name": 7, "autoscaling": [], "hardware": null, "state": "NAPPING\nnow"}`},
	})
	got, err := p.List(t.Context())
	odd := provider.State{ID: "endpoint/3", Phase: provider.Unknown, Detail: "NAPPING now", BaseURL: "http://127.0.0.1:1/v1"}
	if want := []provider.State{wholeState(), odd}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if want := "GET /v1/endpoints?mine=true&type=dedicated"; s.requests[0] != want || len(s.requests) != 4 {
		t.Errorf("requests %q, want %q and three more", s.requests, want)
	}
}

// TestList_FailsWhole: an endpoint without its name would be taken for
// somebody else's, and the first failure is the one that is told.
func TestList_FailsWhole(t *testing.T) {
	t.Parallel()
	var items []string
	for range 40 {
		items = append(items, `{"id": "endpoint-1"}`)
	}
	items = append(items, `{"id": "endpoint-2"}`)
	p, _ := against(t, map[string]answer{
		"GET /v1/endpoints":            {200, `{"data": [` + strings.Join(items, ",") + `]}`},
		"GET /v1/endpoints/endpoint-1": {200, whole},
		"GET /v1/endpoints/endpoint-2": {401, `{"error": {"type": "authentication_error", "message": "expired"}}`},
	})
	if got, err := p.List(t.Context()); provider.KindOf(err) != provider.Unauthorized || got != nil {
		t.Errorf("%+v, %v, want an error of kind unauthorized", got, err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	empty, there := answer{200, `{"data": []}`}, answer{200, `{"data": [{"id": "endpoint-1", "state": "STARTING"}]}`}
	for _, test := range []struct {
		name string
		one  answer
		list answer
		want provider.State
		kind provider.Kind
	}{
		{"told", answer{200, whole}, empty, wholeState(), ""},
		{"gone", answer{404, notFound}, empty, provider.State{ID: "endpoint-1", Phase: provider.Gone}, ""},
		{"gone, but listed", answer{404, notFound}, there,
			provider.State{ID: "endpoint-1", Phase: provider.Provisioning, Detail: "STARTING", BaseURL: "http://127.0.0.1:1/v1"}, ""},
		{"gone, says a proxy", answer{404, `<html>`}, answer{404, `<html>`}, provider.State{}, provider.Refused},
		{"gone, listing unreadable", answer{404, notFound}, answer{200, `{}`}, provider.State{}, provider.Unavailable},
		{"gone, listing odd", answer{404, notFound}, answer{200, `{"data": [{"id": 7}]}`}, provider.State{}, provider.Unavailable},
		{"without id", answer{200, `{"state": "STARTED"}`}, empty, provider.State{}, provider.Unavailable},
		{"null", answer{200, `null`}, empty, provider.State{}, provider.Unavailable},
	} {
		p, _ := against(t, map[string]answer{"GET /v1/endpoints/endpoint-1": test.one, "GET /v1/endpoints": test.list})
		got, err := p.Describe(t.Context(), "endpoint-1")
		if !reflect.DeepEqual(got, test.want) || (err != nil) != (test.kind != "") || err != nil && provider.KindOf(err) != test.kind {
			t.Errorf("%s:\n got %+v, %v\nwant %+v, kind %q", test.name, got, err, test.want, test.kind)
		}
	}
}

func TestPhase(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]provider.Phase{
		"PENDING": provider.Provisioning, "STARTING": provider.Provisioning, "STARTED": provider.Ready, " started ": provider.Ready,
		"STOPPING": provider.Stopping, "STOPPED": provider.Stopped, "ERROR": provider.Stalled, "FAILED": provider.Unknown, "": provider.Unknown,
	} {
		if got := phase(state); got != want {
			t.Errorf("%q: %s, want %s", state, got, want)
		}
	}
}
