package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
)

// TestPage shows a tenant its own batches, to whoever has a key.
func TestPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	batch, broken := w.batch(), w.batch()
	w.finish(broken.ID, jobs.Report{Outcome: jobs.Failed, Failure: jobs.NoCapacity, Reason: "<b>none</b>", Counts: jobs.Counts{Total: 1}}, "", "")
	w.jobs.change(jobs.BatchJob(batch.ID), func(j *job) {
		j.sight = Sight{Open: true, Phase: jobs.Running, Counts: jobs.Counts{Total: 4, Completed: 1, Failed: 1}, Cost: jobs.Money{Amount: 1.5, Currency: "USD"}}
	})
	look := func(key string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth("anybody", key)
		return w.do(request)
	}
	if response, _ := look("wrong"); response.StatusCode != 401 || !strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("with a wrong key: %d", response.StatusCode)
	}
	response, text := look(w.keys["alpha"])
	for _, want := range []string{batch.ID, "1 of 4, 1 failed", "1.5", "http://ui.example/" + jobs.BatchJob(batch.ID), `http-equiv="refresh"`, "&lt;b&gt;none", "in_progress"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q on the page:\n%s", want, text)
		}
	}
	if !strings.Contains(response.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers %v", response.Header)
	}
	if _, text := look(w.keys["beta"]); strings.Contains(text, batch.ID) || !strings.Contains(text, "No batches yet") {
		t.Errorf("beta's page:\n%s", text)
	}
}
