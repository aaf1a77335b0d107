package activities

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/worker"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/report"
	"github.com/nightshift-run/nightshift/internal/stats"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// report writes the report of what was collected and returns report.json as it
// is read.
func (w *world) report(collected workflows.Collected) report.Document {
	w.Helper()
	began := time.Now().Add(-time.Minute)
	written := jobs.Report{
		Job: "job", Name: "test", Outcome: jobs.Completed, Output: w.base + "/out/", Counts: collected.Counts, Usage: collected.Usage,
		Files: collected.Files, Started: began, Finished: time.Now(),
	}
	if err := w.run(workflows.WriteReport, written, nil); err != nil {
		w.Fatal(err)
	}
	var read report.Document
	if err := json.Unmarshal(w.read("out/report.json"), &read); err != nil {
		w.Fatal(err)
	}
	if !strings.HasSuffix(string(w.read("out/report.html")), "</html>\n") {
		w.Error("report.html is not whole")
	}
	return read
}

// oddly answers the first request of some lines otherwise than the rest.
func oddly(odd map[string]http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		for content, answer := range odd {
			if strings.Contains(string(body), `"`+content+`"`) && !seen[content] {
				seen[content] = true
				answer(rw, r)
				return
			}
		}
		answerOK(rw, r)
	}
}

func TestWriteReport_ShowsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	const secret = `{"error":{"message":"PLANTED PROMPT","code":"PLANTED","type":"PLANTED"}}`
	w := newWorld(t, oddly(map[string]http.HandlerFunc{
		"2": status(500, secret), "3": status(503, secret), "4": status(400, secret), "5": status(422, secret), "6": status(400, secret),
	}))
	text := append(input(20), `{"custom_id":"last","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"PLANTED PROMPT"}]}}`...)
	plan := w.plan(text)
	if err := w.run(workflows.RunShard, w.shard(plan), nil); err != nil {
		t.Fatal(err)
	}
	collected, err := w.collect(plan, "")
	if err != nil {
		t.Fatal(err)
	}
	measured := w.report(collected).Measured
	if measured == nil {
		t.Fatal("nothing was measured")
	}
	wantTries := stats.Tries{Sent: 23, Refused: 3, Failed: 1, Throttled: 1}
	if measured.Attempts != 1 || measured.Results != 21 || measured.Tries != wantTries || measured.Latency.Count() != 18 || measured.Speed.Count() != 18 {
		t.Errorf("measured %+v", measured)
	}
	var points stats.Point
	for _, point := range measured.Series.Points() {
		points.Requests, points.OutputTokens, points.Again = points.Requests+point.Requests, points.OutputTokens+point.OutputTokens, points.Again+point.Again
	}
	if (points != stats.Point{Requests: 21, OutputTokens: 4 * 18, Again: 2}) {
		t.Errorf("over time: %+v", points)
	}
	faults, _ := json.Marshal(measured.Errors)
	if string(faults) != `[{"class":"HTTP 400","count":2,"examples":["r-4","r-6"]},{"class":"HTTP 422","count":1,"examples":["r-5"]}]` {
		t.Errorf("errors: %s", faults)
	}
	for _, name := range []string{"report.json", "report.html", ".nightshift/job/measured.json"} {
		if found := w.read("out/" + name); len(found) == 0 || strings.Contains(string(found), "PLANTED") {
			t.Errorf("%s has %d bytes, with a prompt's words among them", name, len(found))
		}
	}
}

// TestWriteReport_CountsResumedAttemptsOnce stops an attempt half-way.
func TestWriteReport_CountsResumedAttemptsOnce(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var w *world
	w = newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if w.calls.Load() == 100 {
			close(stop)
		}
		answerOK(rw, r)
	})
	plan := w.plan(input(300))
	w.env.SetWorkerStopChannel(stop)
	w.env.SetWorkerOptions(worker.Options{WorkerStopTimeout: time.Minute})
	call := w.shard(plan)
	call.Requests.Concurrency = 1
	_ = w.run(workflows.RunShard, call, nil)
	w.env.SetWorkerStopChannel(make(chan struct{}))
	for range 2 { // the last finds nothing to do
		if err := w.run(workflows.RunShard, call, nil); err != nil {
			t.Fatal(err)
		}
	}
	collected, err := w.collect(plan, "")
	if err != nil {
		t.Fatal(err)
	}
	if measured := w.report(collected).Measured; measured == nil || measured.Attempts != 2 || measured.Results != 300 {
		t.Errorf("measured %+v", measured)
	}
}

// TestWriteReport_WithoutWhatWasLost has parts of an attempt that was killed
// before it noted down what it measured, and what nobody can read.
func TestWriteReport_WithoutWhatWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(10))
	w.part("1-aaaa-00001", okBody, 0, 1, 2)
	w.put("out/.nightshift/job/measured/00000000-1-aaaa.json", []byte("half of a"))
	if err := w.run(workflows.RunShard, w.shard(plan), nil); err != nil {
		t.Fatal(err)
	}
	collected, err := w.collect(plan, "")
	if err != nil {
		t.Fatal(err)
	}
	document := w.report(collected)
	if document.Counts.Completed != 10 || document.Measured == nil || document.Measured.Results != 7 {
		t.Errorf("%+v", document.Measured)
	}
	if !strings.Contains(string(w.read("out/report.html")), "7 of 10 results") {
		t.Error("the page does not say what it lacks")
	}
}

func TestWriteReport_WithoutAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	if document := w.report(workflows.Collected{}); document.Measured != nil || document.Job != "job" {
		t.Errorf("%+v", document)
	}
	plan := w.plan(input(3))
	collected, err := w.collect(plan, batchfile.CodeBatchCancelled)
	if err != nil {
		t.Fatal(err)
	}
	if faults := w.report(collected).Measured.Errors.List(); len(faults) != 1 || faults[0].Class != batchfile.CodeBatchCancelled || faults[0].Count != 3 {
		t.Errorf("%+v", faults)
	}
}

// TestMeasuring_IsWrittenNowAndThen wants a killed attempt to lose little and
// an idle one to write nothing.
func TestMeasuring_IsWrittenNowAndThen(t *testing.T) {
	t.Parallel()
	m := &measuring{due: time.Now().Add(measureEvery)}
	if m.take(true) != nil {
		t.Error("what measured nothing is written")
	}
	m.due = time.Now().Add(measureEvery)
	m.Add(stats.Try{Began: time.Now(), Final: true})
	if m.take(false) != nil {
		t.Error("written before its time")
	}
	m.due = time.Now()
	if taken := m.take(false); taken == nil || taken.Results != 1 || !m.due.After(time.Now()) {
		t.Errorf("at its time %+v is written", taken)
	}
	if m.take(true) == nil {
		t.Error("not written at the end")
	}
}
