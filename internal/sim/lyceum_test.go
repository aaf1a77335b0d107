package sim

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// minimalLyceum is the least that a create of Lyceum must say.
const minimalLyceum = `{
	"hf_model_id": "org/model", "hardware_profile": "gpu.h100",
	"target_rps": 10, "target_latency_p95_ms": 5000.5, "stabilisation_window": 300
}`

const deploymentsPath = lyceumAPI + "/inference"

// deploy rents an endpoint of Lyceum and returns its id.
func deploy(t *testing.T, c http.Handler) string {
	t.Helper()
	w := ask(t, c, "POST", deploymentsPath+"/create", minimalLyceum)
	if w.Code != http.StatusOK {
		t.Fatalf("create: HTTP %d: %s", w.Code, w.Body)
	}
	return decode[lyceumBody](t, w.Body).DeploymentID
}

// deployments returns what Lyceum lists.
func deployments(t *testing.T, c http.Handler) []lyceumBody {
	t.Helper()
	return decode[struct{ Deployments []lyceumBody }](t, ask(t, c, "GET", deploymentsPath+"/list", "").Body).Deployments
}

// TestLyceum_CreateValidates begins with what is accepted and changes one thing
// a row.
func TestLyceum_CreateValidates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		old, new string
		want     []string // "type loc" of each problem; none is a 200
	}{
		{"minimal", "", "", nil},
		{"unknown field", `"target_rps"`, `"surprise": 1, "target_rps"`, nil},
		{"null token", `"target_rps"`, `"hf_token": null, "target_rps"`, nil},
		{"replicas", `"target_rps"`, `"min_replicas": 2, "max_replicas": 2, "target_rps"`, nil},
		{"no model", `"hf_model_id"`, `"model"`, []string{"missing body.hf_model_id"}},
		{"unknown profile", "gpu.h100", "gpu.x", []string{"value_error body.hardware_profile"}},
		{"no target", `"target_rps"`, `"rps"`, []string{"missing body.target_rps"}},
		{"target is text", `5000.5`, `"5000"`, []string{"float_type body.target_latency_p95_ms"}},
		{"window is a fraction", `300`, `300.5`, []string{"int_type body.stabilisation_window"}},
		{"minimum zero", `"target_rps"`, `"min_replicas": 0, "target_rps"`, []string{"greater_than_equal body.min_replicas"}},
		{"maximum below minimum", `"target_rps"`, `"min_replicas": 2, "target_rps"`, []string{"value_error body.max_replicas"}},
		{"token is a number", `"target_rps"`, `"hf_token": 7, "target_rps"`, []string{"string_type body.hf_token"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{})
			w := ask(t, c, "POST", deploymentsPath+"/create", strings.Replace(minimalLyceum, tt.old, tt.new, 1))
			status, created := http.StatusUnprocessableEntity, 0
			if tt.want == nil {
				status, created = http.StatusOK, 1
			}
			equal(t, "status", w.Code, status)
			equal(t, "endpoints", len(deployments(t, c)), created)
			equal(t, "problems", strings.Join(problems(t, w.Body), ", "), strings.Join(tt.want, ", "))
		})
	}
}

// TestLyceum_Shapes holds what goes over the wire in golden files.
func TestLyceum_Shapes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		golden(t, "lyceum-create.json", ask(t, c, "POST", deploymentsPath+"/create", minimalLyceum).Body.Bytes())
		id := deploy(t, c)
		pass(time.Minute)
		golden(t, "lyceum-stop.json", ask(t, c, "DELETE", deploymentsPath+"/"+id, "").Body.Bytes())
		pass(time.Minute)
		golden(t, "lyceum-list.json", ask(t, c, "GET", deploymentsPath+"/list", "").Body.Bytes())
		golden(t, "lyceum-pricing.json", ask(t, c, "GET", lyceumAPI+"/pricing", "").Body.Bytes())
		golden(t, "lyceum-404.json", ask(t, c, "DELETE", deploymentsPath+"/absent", "").Body.Bytes())
	})
}

func TestLyceum_Unlisted(t *testing.T) {
	t.Parallel()
	c := New(Options{LyceumUnlisted: true, WarmUp: None})
	id := deploy(t, c)
	if code := ask(t, c, "GET", deploymentsPath+"/list", "").Code; code != http.StatusNotFound && code != http.StatusMethodNotAllowed {
		t.Errorf("list: HTTP %d", code)
	}
	equal(t, "chat", ask(t, c, "POST", lyceumAPI+"/chat/completions", chat(id, "a")).Code, http.StatusOK)
}

// TestLyceum_Pauses: an idle hour after the last answer the replicas are given
// back, and the next request waits for new ones.
func TestLyceum_Pauses(t *testing.T) {
	t.Parallel()
	for _, model := range []Model{{}, {TimeToFirstToken: time.Second, TokenInterval: time.Millisecond, QueueLimit: 1}} {
		synctest.Test(t, func(t *testing.T) {
			c := New(Options{Model: model, WarmUp: time.Minute, Drain: time.Second, AnswerTokens: Range{41, 41}})
			id := deploy(t, c)
			status := func() string { return deployments(t, c)[0].Status }
			send := func() *httptest.ResponseRecorder {
				return ask(t, c, "POST", lyceumAPI+"/chat/completions", chat(id, "a"))
			}
			equal(t, "before it is ready", send().Code, http.StatusNotFound)
			pass(31 * time.Minute)
			equal(t, "half an hour after it was ready", send().Code, http.StatusOK)
			pass(59 * time.Minute)
			equal(t, "59 minutes after the answer", status(), "running")
			pass(2 * time.Minute)
			equal(t, "61 minutes after the answer", status(), "paused")
			billed := c.Ledger().Total.ReplicaSeconds
			begun := time.Now()
			done := make(chan int)
			go func() { done <- send().Code }()
			pass(time.Second)
			equal(t, "woken", status(), "pending")
			equal(t, "the second request", send().Code, http.StatusOK)
			equal(t, "the first request", <-done, http.StatusOK)
			if waited := time.Since(begun); waited < time.Minute || waited > time.Minute+2*time.Second {
				t.Errorf("requests waited %v for a warm-up of a minute", waited)
			}
			equal(t, "billed seconds of the first run", billed, (90*time.Minute + model.work(41)).Seconds())
			ask(t, c, "DELETE", deploymentsPath+"/"+id, "")
			pass(2 * time.Second)
			equal(t, "stopped by a call", status(), "stopped")
			equal(t, "a request afterwards", send().Code, http.StatusNotFound)
			equal(t, "running", len(c.Ledger().Running()), 0)
		})
	}
}

// TestLyceum_PausedWhileDraining: a request that comes before the replicas are
// given back starts new ones; one that is deleted meanwhile gets no answer.
func TestLyceum_PausedWhileDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{WarmUp: time.Minute, Drain: time.Minute})
		id := deploy(t, c)
		pass(61*time.Minute + 30*time.Second)
		equal(t, "draining", deployments(t, c)[0].Status, "stopping")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, "POST", lyceumAPI+"/chat/completions", strings.NewReader(chat(id, "a")))
		r.Header.Set("Authorization", "Bearer secret")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		equal(t, "the client that went away", w.Code, statusClientGone)
		done := make(chan int)
		go func() { done <- ask(t, c, "POST", lyceumAPI+"/chat/completions", chat(id, "a")).Code }()
		pass(time.Second)
		ask(t, c, "DELETE", deploymentsPath+"/"+id, "")
		equal(t, "the client that waited", <-done, http.StatusNotFound)
		pass(2 * time.Minute)
		equal(t, "running", len(c.Ledger().Running()), 0)
	})
}
