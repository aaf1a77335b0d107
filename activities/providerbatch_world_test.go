package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/internal/provider/providertest"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// batchWorld is a bucket on disk and a provider with a Batch API, in fake time.
type batchWorld struct {
	*world
	dialect batchapi.Dialect
	cloud   *sim.Cloud
	http    *http.Client
	api     string // base URL
}

// batchDialects are all of them, with the base URL at which the simulated cloud
// has each.
var batchDialects = []struct {
	batchapi.Dialect
	base string
}{
	{batchapi.Lyceum, "http://cloud.test"},
	{batchapi.Nebius, "http://cloud.test"},
	{batchapi.Together, "http://cloud.test/together"},
}

// eachDialect plays a story with every dialect.
func eachDialect(t *testing.T, options sim.BatchOptions, story func(*batchWorld)) {
	t.Helper()
	for _, d := range batchDialects {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud := sim.New(sim.Options{Token: "secret", Batches: options})
				t.Cleanup(cloud.Close)
				w := newBatchWorld(t, d.Dialect, d.base, cloud)
				w.cloud = cloud
				story(w)
				if running := cloud.Ledger().RunningBatches(); len(running) > 0 {
					t.Errorf("still running at the end: %+v", running)
				}
			})
		})
	}
}

func newBatchWorld(t *testing.T, dialect batchapi.Dialect, base string, handler http.Handler) *batchWorld {
	store, err := bucket.New(t.Context(), bucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &batchWorld{world: &world{TB: t, base: "file://" + t.TempDir(), store: store}, dialect: dialect, api: base}
	w.http = providertest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.calls.Add(1)
		handler.ServeHTTP(rw, r)
	}))
	w.env = w.newEnv(context.Background(), nil)
	return w
}

// newEnv is another Temporal that runs one activity at a time, whose activities
// end with ctx; they reach the provider through the gate, if there is one.
func (w *batchWorld) newEnv(ctx context.Context, through *gate) *testsuite.TestActivityEnvironment {
	client := *w.http
	if through != nil {
		through.next = client.Transport
		client.Transport = through
	}
	batches := &ProviderBatches{Store: w.store, Open: func(workflows.Address) (*batchapi.Client, error) {
		return batchapi.New(w.dialect, provider.Settings{Token: "secret", BaseURL: w.api, HTTPClient: &client})
	}}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(48 * time.Hour)
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx, WorkerStopTimeout: time.Minute})
	planning, results := &Planning{Store: w.store}, &Results{Store: w.store}
	for name, function := range map[string]any{
		workflows.PlanInput: planning.PlanInput, workflows.CollectResults: results.CollectResults,
		workflows.RunShardAsBatch: batches.RunShardAsBatch,
	} {
		env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
	return env
}

// attempt runs the plan's first shard once.
func (w *batchWorld) attempt(env *testsuite.TestActivityEnvironment, plan workflows.Plan) (done workflows.ShardDone, err error) {
	value, err := env.ExecuteActivity(workflows.RunShardAsBatch, workflows.ShardCall{
		Job: "job", PlanURL: plan.URL, Address: workflows.Address{Provider: w.dialect.Name, Model: "routed"},
	})
	if err != nil {
		return done, err
	}
	return done, value.Get(&done)
}

// finish runs the shard as often as Temporal would, and returns the error that
// is not retried, if any.
func (w *batchWorld) finish(plan workflows.Plan) (done workflows.ShardDone, err error) {
	w.Helper()
	for range 20 {
		done, err = w.attempt(w.env, plan)
		failure, ok := errors.AsType[*temporal.ApplicationError](err)
		if !ok || failure.NonRetryable() {
			return done, err
		}
		time.Sleep(max(time.Second, failure.NextRetryDelay()))
	}
	w.Fatalf("the shard does not end: %v", err)
	return done, err
}

// batchInput is n lines; every tenth is one that is refused, and custom_ids are
// longer than what providers take.
func batchInput(n int) []byte {
	var text bytes.Buffer
	for i := range n {
		body := fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"%d"}]}`, i)
		if i%10 == 9 {
			body = `{"model":"m"}`
		}
		fmt.Fprintf(&text, `{"custom_id":"%s-%d","method":"POST","url":"/v1/chat/completions","body":%s}`+"\n", strings.Repeat("long", 30), i, body)
	}
	return text.Bytes()
}

// conserved checks that every line has a result, each once and in order, and
// how many failed.
func (w *batchWorld) conserved(plan workflows.Plan, missing string, failed int) {
	w.Helper()
	collected, err := w.collect(plan, missing)
	if err != nil {
		w.Fatal(err)
	}
	if got := int(collected.Counts.Failed + collected.Counts.NeverRan); got != failed || collected.Counts.Total != plan.Requests {
		w.Errorf("counts %+v, want %d failed", collected.Counts, failed)
	}
	seen := map[any]bool{}
	for _, file := range []string{"out/output.jsonl", "out/errors.jsonl"} {
		last := -1
		for _, line := range w.lines(file) {
			id := line["custom_id"].(string)
			at := 0
			if _, err := fmt.Sscanf(id[strings.LastIndex(id, "-")+1:], "%d", &at); err != nil || at <= last || seen[id] {
				w.Errorf("%s: %s after %d, %v", file, id, last, err)
			}
			seen[id], last = true, at
		}
	}
	if int64(len(seen)) != plan.Requests {
		w.Errorf("%d lines for %d requests", len(seen), plan.Requests)
	}
}

// paid is how many batches there are, and how many requests they answered.
func (w *batchWorld) paid() (batches, requests int) {
	for _, b := range w.cloud.Ledger().Batches {
		batches++
		requests += b.Done
	}
	return batches, requests
}

// swept checks that the provider has no files left, if it can delete any.
func (w *batchWorld) swept() {
	w.Helper()
	if files := w.cloud.Ledger().Files; files > 0 && w.dialect.Name != "lyceum" {
		w.Errorf("%d files are left", files)
	}
}

// steps are the entries of the journal.
func (w *batchWorld) steps() (steps []string) {
	w.Helper()
	for number := 1; ; number++ {
		text := w.read(fmt.Sprintf("out/.nightshift/job/parts/00000000/batch-%s-%04d.json", w.dialect.Name, number))
		if text == nil {
			return steps
		}
		_, rest, _ := strings.Cut(string(text), `"step":"`)
		step, _, _ := strings.Cut(rest, `"`)
		steps = append(steps, step)
	}
}

// wantSteps compares the journal.
func (w *batchWorld) wantSteps(want ...string) {
	w.Helper()
	if got := w.steps(); !slices.Equal(got, want) {
		w.Errorf("the journal says %q, want %q", got, want)
	}
}

// gate holds one call to the provider, as if the process that makes it were
// frozen or killed there: the call before it is sent, or its reply.
type gate struct {
	next   http.RoundTripper
	method string
	ending string // of the path
	before bool

	once    sync.Once
	reached chan struct{} // closed when the call is held
	thaw    chan struct{} // lets it go on
}

func newGate(method, ending string, before bool) *gate {
	return &gate{method: method, ending: ending, before: before, reached: make(chan struct{}), thaw: make(chan struct{})}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	held := false
	if r.Method == g.method && strings.Contains(r.URL.Path, g.ending) {
		g.once.Do(func() { held = true })
	}
	if held && g.before {
		g.hold()
	}
	response, err := g.next.RoundTrip(r)
	if held && !g.before {
		g.hold()
	}
	return response, err
}

func (g *gate) hold() {
	close(g.reached)
	<-g.thaw
}

// cancelledAt runs the shard once and cancels it at the given moment.
func (w *batchWorld) cancelledAt(plan workflows.Plan, after time.Duration) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	timer := time.AfterFunc(after, func() { cancel(temporal.NewCanceledError()) })
	defer timer.Stop()
	_, err := w.attempt(w.newEnv(ctx, nil), plan)
	return err
}

// endedAs checks an attempt's error.
func (w *batchWorld) endedAs(err error, kind string, says ...string) {
	w.Helper()
	got, retried := typeOf(err)
	if got != kind || retried != (kind == jobs.Temporary) {
		w.Errorf("error is %v", err)
		return
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			w.Errorf("error %q does not say %q", err, word)
		}
	}
}

func settingsOf(w *batchWorld) provider.Settings {
	return provider.Settings{Token: "secret", BaseURL: w.api, HTTPClient: w.http}
}
