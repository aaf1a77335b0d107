package activities

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/worker"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestRunShard_SendsEachLineOnce(t *testing.T) {
	t.Parallel()
	var misrouted atomic.Int64
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.HasPrefix(string(body), `{"model":"routed","messages":`) || r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/v1/chat/completions" {
			misrouted.Add(1)
		}
		answerOK(rw, r)
	})
	plan := w.plan(input(100))
	var done workflows.ShardDone
	if err := w.run(workflows.RunShard, w.shard(plan), &done); err != nil {
		t.Fatal(err)
	}
	if done.Completed != 100 || done.Usage.InputTokens != 300 || done.Usage.OutputTokens != 400 || w.calls.Load() != 100 || misrouted.Load() != 0 {
		t.Errorf("done = %+v after %d calls, %d misrouted", done, w.calls.Load(), misrouted.Load())
	}
	if done.Sent.First.IsZero() || done.Sent.Last.Before(done.Sent.First) {
		t.Errorf("sent %+v", done.Sent)
	}
	// A second attempt finds everything done.
	var again workflows.ShardDone
	done.Sent = workflows.Sent{}
	if err := w.run(workflows.RunShard, w.shard(plan), &again); err != nil || again != done || w.calls.Load() != 100 {
		t.Errorf("again = %+v, %v after %d calls", again, err, w.calls.Load())
	}
	collected, err := w.collect(plan, "")
	if err != nil || collected.Counts.Completed != 100 || len(collected.Files) != 1 {
		t.Errorf("collected = %+v, %v", collected, err)
	}
}

// TestRunShard_OddAnswers has an endpoint that gives one kind of answer to the
// first request of a line with "5" in it, or to every one.
func TestRunShard_OddAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		always bool
		answer http.HandlerFunc
		want   string // of the line in the end: a status, or an error code
	}{
		{"500 once", false, status(500, "{}"), "200"},
		{"500 always", true, status(500, `{"error":{"message":"no"}}`), "500"},
		{"408 once", false, status(408, "{}"), "200"},
		{"429 with Retry-After", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0.2")
			w.WriteHeader(429)
		}, "200"},
		{"503", false, status(503, ""), "200"},
		{"400", true, status(400, `{"error":{"message":"too long"}}`), "400"},
		{"422 in HTML", true, status(422, "<html>no</html>"), "422"},
		{"404 once", false, status(404, "{}"), "200"},
		{"HTML with 200", true, status(200, "<html>"), codeInvalidResponse},
		{"half a body", true, status(200, okBody[:20]), codeInvalidResponse},
		{"no choices", false, status(200, `{"choices":[]}`), "200"},
		{"connection cut", true, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, batchfile.CodeConnectionError},
		{"JSON called a page", true, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, okBody)
		}, "200"},
		{"trickles for ever", true, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
			}
		}, batchfile.CodeRequestTimeout},
		{"never answers", true, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, batchfile.CodeRequestTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var odd atomic.Int64
			w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if strings.Contains(string(body), `"5"`) && (odd.Add(1) == 1 || c.always) {
					c.answer(rw, r)
					return
				}
				answerOK(rw, r)
			})
			plan := w.plan(input(10))
			call := w.shard(plan)
			call.Requests.Timeout = jobs.Duration(500 * time.Millisecond)
			var done workflows.ShardDone
			if err := w.run(workflows.RunShard, call, &done); err != nil {
				t.Fatal(err)
			}
			if _, err := w.collect(plan, ""); err != nil {
				t.Fatal(err)
			}
			if got := w.fate("r-5"); got != c.want {
				t.Errorf("line 5 ended as %s, want %s", got, c.want)
			}
			if done.Completed+done.Failed != 10 || (done.Failed == 0) != (c.want == "200") {
				t.Errorf("done = %+v", done)
			}
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// fate is the status or the error code of a line's result.
func (w *world) fate(customID string) string {
	w.Helper()
	for _, file := range []string{"out/output.jsonl", "out/errors.jsonl"} {
		for _, line := range w.lines(file) {
			if line["custom_id"] != customID {
				continue
			}
			if response, ok := line["response"].(map[string]any); ok {
				return fmt.Sprint(response["status_code"])
			}
			return fmt.Sprint(line["error"].(map[string]any)["code"])
		}
	}
	return "no result"
}

func TestRunShard_WrongTokenStopsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, status(401, `{"error":{"message":"bad key secret"}}`))
	plan := w.plan(input(1000))
	err := w.run(workflows.RunShard, w.shard(plan), nil)
	if kind, retried := typeOf(err); kind != jobs.Unauthorized || retried {
		t.Errorf("error is %v", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error holds what the server said: %v", err)
	}
	if calls := w.calls.Load(); calls > 100 {
		t.Errorf("%d requests failed alike", calls)
	}
}

func TestRunShard_InputChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(10))
	w.put("in.jsonl", input(11))
	err := w.run(workflows.RunShard, w.shard(plan), nil)
	if kind, retried := typeOf(err); kind != jobs.InputChanged || retried {
		t.Errorf("error is %v", err)
	}
}

// TestRunShard_StopsWithTheWorker stops the worker when half of the requests
// are answered: what was answered is kept, the rest is left to another attempt,
// and nothing is sent twice.
func TestRunShard_StopsWithTheWorker(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var answered atomic.Int64
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if answered.Add(1) == 100 {
			close(stop)
		}
		answerOK(rw, r)
	})
	plan := w.plan(input(300))
	w.env.SetWorkerStopChannel(stop)
	w.env.SetWorkerOptions(worker.Options{WorkerStopTimeout: time.Minute})
	err := w.run(workflows.RunShard, w.shard(plan), nil)
	if kind, retried := typeOf(err); kind != jobs.Temporary || !retried {
		t.Fatalf("error is %v", err)
	}
	sent := w.calls.Load()
	if sent < 100 || sent >= 300 {
		t.Errorf("%d requests were sent before the stop", sent)
	}
	w.env.SetWorkerStopChannel(make(chan struct{}))
	var done workflows.ShardDone
	if err := w.run(workflows.RunShard, w.shard(plan), &done); err != nil {
		t.Fatal(err)
	}
	if done.Completed != 300 || w.calls.Load() != 300 {
		t.Errorf("done = %+v after %d requests", done, w.calls.Load())
	}
}
