package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestServed: a server of one's own answers from the beginning, at the speed of
// a replica, and costs nothing.
func TestServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Served: []string{"mine"}, Model: Model{TimeToFirstToken: time.Second}})
		defer c.Close()
		begun := time.Now()
		equal(t, "answer", ask(t, c, "POST", "/v1/chat/completions", chat("mine", "Why?")).Code, http.StatusOK)
		equal(t, "it took", time.Since(begun), time.Second)
		equal(t, "another model", ask(t, c, "POST", "/v1/chat/completions", chat("theirs", "Why?")).Code, http.StatusNotFound)
		models := decode[struct{ Data []struct{ ID string } }](t, ask(t, c, "GET", "/v1/models", "").Body).Data
		if len(models) != 1 || models[0].ID != "mine" {
			t.Errorf("models: %v", models)
		}
		ledger := c.Ledger()
		equal(t, "entries", len(ledger.Entries), 0)
		equal(t, "answers", ledger.Data.Statuses[http.StatusOK], 2)
		equal(t, "listed by Nebius", len(list(t, c)), 0)
	})
}

// TestServed_Token: without a token set, the data plane of a cloud with models
// of one's own demands none; the control planes still do.
func TestServed_Token(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options       Options
		data, control int
	}{
		{Options{Served: []string{"mine"}}, http.StatusOK, http.StatusUnauthorized},
		{Options{Served: []string{"mine"}, Token: "t"}, http.StatusUnauthorized, http.StatusUnauthorized},
		{Options{}, http.StatusUnauthorized, http.StatusUnauthorized},
	} {
		c := New(tt.options)
		defer c.Close()
		for path, want := range map[string]int{"/v1/models": tt.data, endpointsPath: tt.control} {
			w := httptest.NewRecorder()
			c.ServeHTTP(w, httptest.NewRequest("GET", path, strings.NewReader("")))
			equal(t, path, w.Code, want)
		}
	}
}
