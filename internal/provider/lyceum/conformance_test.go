package lyceum_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/lyceum"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/sim"
)

const token = "lk-of-the-test"

var shape = provider.Shape{
	Model: "openai/gpt-oss-120b", GPU: provider.GPU{Type: "gpu.h100", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 2},
}

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Harness{Open: lyceum.New, Shape: shape, NoCatalogue: true, Wakes: true})
}

// TestConformance_Unlisted: without a listing an endpoint can be rented, asked
// and stopped, but nothing is claimed about its state.
func TestConformance_Unlisted(t *testing.T) {
	t.Parallel()
	cloud := sim.New(sim.Options{LyceumUnlisted: true, WarmUp: sim.None, Drain: sim.None})
	t.Cleanup(cloud.Close)
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	p, err := lyceum.New(provider.Settings{Token: token, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	created, err := p.Create(t.Context(), "n", shape)
	if err != nil {
		t.Fatal(err)
	}
	state, err := p.Describe(t.Context(), created.ID)
	want := provider.State{
		ID: created.ID, Phase: provider.Unknown, Detail: "no listing at LYCEUM_LIST_PATH",
		BaseURL: server.URL + "/api/v2/external", Model: created.ID,
	}
	if err != nil || !reflect.DeepEqual(state, want) {
		t.Errorf("described:\n got %+v, %v\nwant %+v", state, err, want)
	}
	if status := ask(t, state); status != http.StatusOK {
		t.Errorf("a request: HTTP %d", status)
	}
	_, err = p.List(t.Context())
	if provider.KindOf(err) != provider.Refused || provider.Absent(err) {
		t.Errorf("list: %v, want a refusal that proves no absence", err)
	}
	for _, word := range []string{"HTTP 405", "LYCEUM_LIST_PATH", "one hour"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("list: %v, does not mention %s", err, word)
		}
	}
	if err := p.Delete(t.Context(), created.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
	if running := cloud.Ledger().Running(); len(running) > 0 {
		t.Errorf("still running: %+v", running)
	}
}

// ask sends one small request to the endpoint and returns the status.
func ask(t *testing.T, state provider.State) int {
	t.Helper()
	body := `{"model": "` + state.Model + `", "messages": [{"role": "user", "content": "ping"}]}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, state.BaseURL+"/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
