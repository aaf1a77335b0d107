package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// world is a bucket on disk, an endpoint over HTTP, and a Temporal that runs
// one activity at a time.
type world struct {
	testing.TB
	env    *testsuite.TestActivityEnvironment
	store  *bucket.Store
	base   string // file:// URL of the world's folder
	server *httptest.Server
	calls  atomic.Int64

	outputs *Outputs
	jobs    map[string]JobRecord // that Temporal knows
	format  jobs.Results         // of what collect writes
}

// okBody is the answer of an endpoint that has nothing to say.
const okBody = `{"choices":[{"index":0}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`

func answerOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, okBody)
}

// newWorld makes a world whose endpoint answers as handler does.
func newWorld(t testing.TB, handler http.HandlerFunc) *world {
	t.Helper()
	w := &world{TB: t, base: "file://" + t.TempDir()}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		handler(rw, r)
	}))
	t.Cleanup(w.server.Close)
	store, err := bucket.New(t.Context(), bucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	w.outputs = &Outputs{Store: store, TempDir: t.TempDir(), Lookup: func(_ context.Context, job string) (JobRecord, error) { return w.jobs[job], nil }}
	w.start()
	return w
}

// again is the same world with another worker.
func (w *world) again() *world {
	other := &world{TB: w.TB, base: w.base, server: w.server, store: w.store, outputs: w.outputs}
	other.start()
	return other
}

// start makes the Temporal of the world and registers the activities.
func (w *world) start() {
	var suite testsuite.WorkflowTestSuite
	w.env = suite.NewTestActivityEnvironment()
	w.env.SetTestTimeout(time.Minute)
	planning, results := &Planning{Store: w.store}, &Results{Store: w.store}
	requests := NewRequests(w.store, &Targets{Dial: NewDial(Providers{"p": provider.Settings{Token: "secret"}}, chat.Transport(1024))})
	for name, function := range map[string]any{
		workflows.PlanInput: planning.PlanInput, workflows.RunShard: requests.RunShard,
		workflows.ReuseResults: planning.ReuseResults, workflows.ClaimOutput: w.outputs.ClaimOutput,
		workflows.CollectResults: results.CollectResults, workflows.WriteReport: results.WriteReport,
	} {
		w.env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// input is n valid lines.
func input(n int) []byte {
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"%d"}]}}`+"\n", i, i)
	}
	return text.Bytes()
}

func (w *world) put(name string, body []byte) {
	w.Helper()
	if _, err := w.store.Put(context.Background(), w.base+"/"+name, body, bucket.PutOptions{}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) read(name string) []byte {
	w.Helper()
	reader, err := w.store.Open(context.Background(), w.base+"/"+name, bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	defer reader.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		w.Fatal(err)
	}
	return text
}

// plan plans the input and returns the plan.
func (w *world) plan(text []byte) workflows.Plan {
	w.Helper()
	w.put("in.jsonl", text)
	var plan workflows.Plan
	if err := w.run(workflows.PlanInput, w.planCall(), &plan); err != nil {
		w.Fatal(err)
	}
	return plan
}

func (w *world) planCall() workflows.PlanCall {
	return workflows.PlanCall{Job: "job", Input: jobs.URLs{w.base + "/in.jsonl"}, Output: w.base + "/out/"}
}

// shard is a call for the plan's first shard.
func (w *world) shard(plan workflows.Plan) workflows.ShardCall {
	return workflows.ShardCall{
		Job: "job", PlanURL: plan.URL, Address: workflows.Address{Provider: "p", BaseURL: w.server.URL + "/v1", Model: "routed"},
		Requests: jobs.Requests{Concurrency: 8, Timeout: jobs.Duration(10 * time.Second), Attempts: 2},
	}
}

func (w *world) collect(plan workflows.Plan, missing string) (workflows.Collected, error) {
	var collected workflows.Collected
	err := w.run(workflows.CollectResults, workflows.CollectCall{
		Job: "job", PlanURL: plan.URL, Output: w.base + "/out/", Missing: missing, Results: w.format,
	}, &collected)
	return collected, err
}

func (w *world) run(name string, call, result any) error {
	w.Helper()
	value, err := w.env.ExecuteActivity(name, call)
	if err != nil || result == nil {
		return err
	}
	return value.Get(result)
}

// lines decodes a file of results.
func (w *world) lines(name string) []map[string]any {
	w.Helper()
	var lines []map[string]any
	for line := range bytes.Lines(w.read(name)) {
		var one map[string]any
		if err := json.Unmarshal(line, &one); err != nil {
			w.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, one)
	}
	return lines
}

// typeOf is the type of an activity's error, and whether it is retried.
func typeOf(err error) (kind string, retried bool) {
	failure, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return fmt.Sprintf("%T", err), false
	}
	return failure.Type(), !failure.NonRetryable()
}
