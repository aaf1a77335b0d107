package activities

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestRunShard_DefaultsAndHeaders(t *testing.T) {
	t.Setenv("NIGHTSHIFT_HEADER_TEST", "hush")
	var wrong atomic.Int64
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fine := strings.HasPrefix(string(body), `{"model":"routed","messages":`) && strings.HasSuffix(string(body), `}],"temperature":0}`)
		if !fine || r.Header.Get("X-Key") != "key hush" || r.Header.Get("Authorization") != "Bearer secret" {
			wrong.Add(1)
		}
		answerOK(rw, r)
	})
	plan := w.plan(input(20))
	call := w.shard(plan)
	call.Requests.Defaults = jobs.Defaults{"temperature": []byte("0"), "messages": []byte("[]")}
	call.Requests.Headers = map[string]string{"X-Key": "key ${NIGHTSHIFT_HEADER_TEST}"}
	var done workflows.ShardDone
	if err := w.run(workflows.RunShard, call, &done); err != nil || wrong.Load() > 0 {
		t.Errorf("%d of 20 requests were wrong (%v)", wrong.Load(), err)
	}
	call.Requests.Headers["X-Key"] = "${NIGHTSHIFT_HEADER_TEST_NONE}"
	err := w.run(workflows.RunShard, call, nil)
	if kind, retried := typeOf(err); kind != jobs.Unauthorized || retried || !strings.Contains(err.Error(), "NIGHTSHIFT_HEADER_TEST_NONE") {
		t.Errorf("without the variable: %v", err)
	}
}

// shuffled is lines of three kinds that begin alike, one kind after the other.
func shuffled() []byte {
	var text bytes.Buffer
	for i := range 30 {
		fmt.Fprintf(&text, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"system","content":"kind %d"},{"role":"user","content":"%s"}]}}`+"\n",
			i, i%3, strings.Repeat("x", 100+i*7%30))
	}
	return text.Bytes()
}

func TestRunShard_OrderOfSending(t *testing.T) {
	t.Parallel()
	for order, inOrder := range map[jobs.Order]func(a, b string) int{
		jobs.PrefixOrder:  strings.Compare,
		jobs.LongestFirst: func(a, b string) int { return len(b) - len(a) },
	} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var sent []string
			w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				sent = append(sent, string(body))
				mu.Unlock()
				answerOK(rw, r)
			})
			plan := w.plan(shuffled())
			call := w.shard(plan)
			call.Requests.Order, call.Requests.Concurrency = order, 1
			var done workflows.ShardDone
			if err := w.run(workflows.RunShard, call, &done); err != nil {
				t.Fatal(err)
			}
			if !slices.IsSortedFunc(sent, inOrder) || len(sent) != 30 {
				t.Errorf("%d requests were sent as\n%s", len(sent), strings.Join(sent, "\n"))
			}
			if _, err := w.collect(plan, ""); err != nil {
				t.Fatal(err)
			}
			for i, line := range w.lines("out/output.jsonl") {
				if want := fmt.Sprintf("r-%d", i); line["custom_id"] != want {
					t.Fatalf("line %d of the output is %v, want %s", i, line["custom_id"], want)
				}
			}
		})
	}
}

// The last request hangs when it is sent for the first time.
func TestRunShard_HedgesTheLastSlowRequest(t *testing.T) {
	t.Parallel()
	var hung atomic.Int64
	gone := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"39"`) && hung.Add(1) == 1 {
			<-r.Context().Done()
			close(gone)
			return
		}
		answerOK(rw, r)
	})
	plan := w.plan(input(40))
	call := w.shard(plan)
	call.Requests.Hedge, call.Requests.Timeout = true, jobs.Duration(50*time.Second)
	var done workflows.ShardDone
	if err := w.run(workflows.RunShard, call, &done); err != nil {
		t.Fatal(err)
	}
	<-gone // the one that lost was ended
	if done.Completed != 40 || done.Hedged != 1 || w.calls.Load() != 41 {
		t.Errorf("done = %+v after %d requests", done, w.calls.Load())
	}
}

// Never more than a share of the requests is sent twice, however many hang.
func TestRunShard_HedgesFew(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1) > 20 {
			<-r.Context().Done()
			return
		}
		answerOK(rw, r)
	})
	plan := w.plan(input(40))
	call := w.shard(plan)
	call.Requests = jobs.Requests{Concurrency: 30, Hedge: true, Attempts: 1, Timeout: jobs.Duration(2 * time.Second)}
	var done workflows.ShardDone
	if err := w.run(workflows.RunShard, call, &done); err != nil {
		t.Fatal(err)
	}
	if done.Completed+done.Failed != 40 || done.Hedged == 0 || done.Hedged > 40/hedgeShare+1 {
		t.Errorf("done = %+v", done)
	}
}

// A storm: every third answer asks for a pause. Nothing is lost and no attempt
// is used up.
func TestRunShard_Storms(t *testing.T) {
	t.Parallel()
	date := func() string { return time.Now().Add(time.Second).UTC().Format(http.TimeFormat) }
	for name, throttle := range map[string]func(http.ResponseWriter){
		"429 with seconds": func(rw http.ResponseWriter) { rw.Header().Set("Retry-After", "1"); rw.WriteHeader(429) },
		"429 with a date":  func(rw http.ResponseWriter) { rw.Header().Set("Retry-After", date()); rw.WriteHeader(429) },
		"429 with a past": func(rw http.ResponseWriter) {
			rw.Header().Set("Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT")
			rw.WriteHeader(429)
		},
		"503 with nonsense": func(rw http.ResponseWriter) { rw.Header().Set("Retry-After", "soon"); rw.WriteHeader(503) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if calls.Add(1)%3 == 0 {
					throttle(rw)
					return
				}
				answerOK(rw, r)
			})
			plan := w.plan(input(300))
			call := w.shard(plan)
			call.Requests.Attempts, call.Requests.Concurrency = 1, 64
			var done workflows.ShardDone
			began := time.Now()
			if err := w.run(workflows.RunShard, call, &done); err != nil || done.Completed != 300 {
				t.Errorf("done = %+v, %v", done, err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// What servers that are broken answer ends each line in time, as an error that
// says nothing of a prompt.
func TestRunShard_BrokenServers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		code   string
	}{
		"trickles": {func(rw http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, err := io.WriteString(rw, " ")
				if err := errors.Join(err, http.NewResponseController(rw).Flush()); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, "request_timeout"},
		"hangs":        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "request_timeout"},
		"half of JSON": {status(200, okBody[:30]), codeInvalidResponse},
		"a page with 200": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(rw, "<html>question")
		}, codeInvalidResponse},
		"no choices": {status(200, `{"choices":[],"hint":"question"}`), codeInvalidResponse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				row.answer(rw, r)
			})
			plan := w.plan(bytes.ReplaceAll(input(5), []byte(`"content":"`), []byte(`"content":"question `)))
			call := w.shard(plan)
			call.Requests.Timeout, call.Requests.Attempts = jobs.Duration(300*time.Millisecond), 2
			var done workflows.ShardDone
			if err := w.run(workflows.RunShard, call, &done); err != nil || done.Failed != 5 {
				t.Fatalf("done = %+v, %v", done, err)
			}
			if _, err := w.collect(plan, ""); err != nil {
				t.Fatal(err)
			}
			if got := w.fate("r-3"); got != row.code {
				t.Errorf("line 3 ended as %s, want %s", got, row.code)
			}
			if text := w.read("out/errors.jsonl"); bytes.Contains(text, []byte("question")) || bytes.Count(text, []byte("\n")) != 5 {
				t.Errorf("errors.jsonl is\n%s", text)
			}
		})
	}
}

// A base URL of http at a server of https stops the job, instead of refusing
// every line.
func TestRunShard_PlainAtASecureServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, status(400, "Client sent an HTTP request to an HTTPS server.\n"))
	err := w.run(workflows.RunShard, w.shard(w.plan(input(100))), nil)
	if kind, retried := typeOf(err); kind != jobs.Unauthorized || retried || !strings.Contains(err.Error(), "speaks https") {
		t.Errorf("error is %v", err)
	}
	if calls := w.calls.Load(); calls > 50 {
		t.Errorf("%d requests failed alike", calls)
	}
}
