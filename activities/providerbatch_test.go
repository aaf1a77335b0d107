package activities

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestRunShardAsBatch(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.plan(batchInput(100))
		done, err := w.attempt(w.env, plan)
		if err != nil || done.Completed != 90 || done.Failed != 10 || done.Usage.OutputTokens == 0 || !done.Sent.Last.After(done.Sent.First) {
			w.Fatalf("done %+v, %v", done, err)
		}
		w.conserved(plan, "", 10)
		w.swept()
		w.wantSteps("uploaded", "creating", "created", "ended")
		if batches, requests := w.paid(); batches != 1 || requests != 100 {
			w.Errorf("%d batches answered %d requests", batches, requests)
		}
		if text := string(w.read("out/output.jsonl")); !strings.Contains(text, `"model":"routed"`) || strings.Contains(text, idPrefix+"0") {
			w.Error("answers must be the routed model's, under the input's own custom_ids")
		}
		calls := w.calls.Load()
		again, err := w.attempt(w.env, plan)
		if err != nil || again.Completed != 90 || again.Failed != 10 || w.calls.Load() != calls {
			w.Errorf("again: %+v, %v, after %d calls more", again, err, w.calls.Load()-calls)
		}
	})
}

// TestRunShardAsBatch_Killed freezes an attempt at each call to the provider
// for good, as a kill would; a successor must finish with the same batch. Then
// the frozen one wakes up, and must do no harm.
func TestRunShardAsBatch_Killed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, ending string
		before               bool
	}{
		{"before the upload", "POST", "/files", true},
		{"after the upload", "POST", "/files", false},
		{"before the create", "POST", "/batches", true},
		{"after the create", "POST", "/batches", false},
		{"at the first look", "GET", "/batches/", true},
		{"before the first download", "GET", "/content", true},
		{"after the first download", "GET", "/content", false},
		{"before the first deletion", "DELETE", "/files/", true},
		{"after the first deletion", "DELETE", "/files/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
				if c.method == http.MethodDelete && w.dialect.Name == "lyceum" {
					w.Skip("Lyceum has no call to delete files")
				}
				plan := w.plan(batchInput(50))
				held := newGate(c.method, c.ending, c.before)
				killed := make(chan struct{})
				go func() {
					defer close(killed)
					_, _ = w.attempt(w.newEnv(context.Background(), held), plan) // nobody hears of it
				}()
				<-held.reached
				done, err := w.finish(plan)
				if err != nil || done.Completed != 45 || done.Failed != 5 {
					w.Errorf("done %+v, %v", done, err)
				}
				if batches, requests := w.paid(); batches != 1 || requests != 50 {
					w.Errorf("%d batches answered %d requests", batches, requests)
				}
				close(held.thaw)
				<-killed
				w.conserved(plan, "", 5)
				if batches, _ := w.paid(); batches != 1 {
					w.Errorf("the one that was frozen made another batch: %q", w.steps())
				}
			})
		})
	}
}

// TestRunShardAsBatch_AttemptsAtOnce: of attempts that all believe to be the
// only one, one makes the batch, and the others find it.
func TestRunShardAsBatch_AttemptsAtOnce(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.plan(batchInput(50))
		w.cloud.Inject(sim.Fault{Op: sim.OpBatchCreate, Kind: sim.Slow, Delay: 3 * time.Second})
		var attempts sync.WaitGroup
		for range 4 {
			attempts.Go(func() {
				done, err := w.attempt(w.newEnv(context.Background(), nil), plan)
				if kind, retried := typeOf(err); err != nil && !retried || err == nil && done.Completed != 45 {
					w.Errorf("done %+v, %s: %v", done, kind, err)
				}
			})
		}
		attempts.Wait()
		if _, err := w.finish(plan); err != nil {
			w.Fatal(err)
		}
		if batches, requests := w.paid(); batches != 1 || requests != 50 {
			w.Errorf("%d batches answered %d requests", batches, requests)
		}
		w.conserved(plan, "", 5)
	})
}

// TestRunShardAsBatch_Faults strikes each call with each fault, once.
func TestRunShardAsBatch_Faults(t *testing.T) {
	t.Parallel()
	operations := []string{sim.OpFileUpload, sim.OpBatchCreate, sim.OpBatchRead, sim.OpFileContent, sim.OpFileDelete}
	for _, fault := range []sim.Fault{
		{Kind: sim.LostReply}, {Kind: sim.CutBody}, {Kind: sim.TruncatedJSON}, {Kind: sim.Status}, {Kind: sim.CutBefore}, {Kind: sim.Hang},
		{Kind: sim.HTML}, {Kind: sim.Slow, Delay: 2 * time.Minute}, {Kind: sim.RetryAfter, RetryAfter: 9 * time.Second}, {Kind: sim.Capacity},
		{Kind: sim.LateCreate, Delay: 30 * time.Second}, {Kind: sim.Trickle, Delay: time.Second}, {Kind: sim.UnknownState},
	} {
		t.Run(string(fault.Kind), func(t *testing.T) {
			t.Parallel()
			eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
				plan := w.plan(batchInput(20))
				for _, op := range operations {
					fault := fault
					if fault.Kind == sim.Slow && op == sim.OpBatchCreate {
						continue // a create that takes effect later than anybody looks for it
					}
					fault.Op, fault.Count = op, 1
					w.cloud.Inject(fault)
				}
				done, err := w.finish(plan)
				if err != nil || done.Completed != 18 || done.Failed != 2 {
					w.Errorf("done %+v, %v", done, err)
				}
				w.conserved(plan, "", 2)
				time.Sleep(time.Hour) // what was to happen late would have
				if batches, _ := w.paid(); batches != 1 {
					w.Errorf("%d batches; the journal says %q", batches, w.steps())
				}
			})
		})
	}
}

func TestRunShardAsBatch_Cancelled(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.plan(batchInput(100))
		err := w.cancelledAt(plan, 11*time.Second)
		if !temporal.IsCanceledError(err) {
			w.Fatalf("error is %v", err)
		}
		w.wantSteps("uploaded", "creating", "created", "cancelling", "ended")
		w.swept()
		_, paid := w.paid()
		if running := w.cloud.Ledger().RunningBatches(); len(running) > 0 || paid < 40 || paid > 60 {
			w.Errorf("still running %+v, %d answered", running, paid)
		}
		w.conserved(plan, batchfile.CodeBatchCancelled, 100-paid+paid/10)
		// Another attempt goes on with what was not answered, and only that.
		done, err := w.finish(plan)
		if batches, requests := w.paid(); err != nil || done.Completed != 90 || batches != 2 || requests != 100 {
			w.Errorf("done %+v, %v: %d batches answered %d requests", done, err, batches, requests)
		}
		w.conserved(plan, "", 10)
	})
}

// TestRunShardAsBatch_CancelledAtAnyTime leaves no batch running, whenever it
// is cancelled and though a reply to create is lost.
func TestRunShardAsBatch_CancelledAtAnyTime(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, 21 * time.Second, 25 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
				plan := w.plan(batchInput(20))
				w.cloud.Inject(sim.Fault{Op: sim.OpBatchCreate, Kind: sim.LostReply, Count: 1})
				w.cloud.Inject(sim.Fault{Op: sim.OpBatchCancel, Kind: sim.Status, Count: 2})
				w.cloud.Inject(sim.Fault{Op: sim.OpFileUpload, Kind: sim.Slow, Delay: 300 * time.Millisecond})
				err := w.cancelledAt(plan, after)
				if running := w.cloud.Ledger().RunningBatches(); len(running) > 0 {
					w.Errorf("error is %v, and still running is %+v", err, running)
				}
				_, paid := w.paid()
				w.conserved(plan, batchfile.CodeBatchCancelled, 20-paid+paid/10)
			})
		})
	}
}

func TestRunShardAsBatch_CancelIsNotConfirmed(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{Run: time.Hour}, func(w *batchWorld) {
		plan := w.plan(batchInput(10))
		w.cloud.Inject(sim.Fault{Op: sim.OpBatchCancel, Kind: sim.Status})
		err := w.cancelledAt(plan, 10*time.Second)
		w.endedAs(err, jobs.EndpointUnconfirmed, w.cloud.Ledger().Batches[0].ID, w.dialect.Name)
		time.Sleep(time.Hour)
	})
}

// TestRunShardAsBatch_StopsWithTheWorker leaves the batch to a successor.
func TestRunShardAsBatch_StopsWithTheWorker(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.plan(batchInput(20))
		stop := make(chan struct{})
		env := w.newEnv(context.Background(), nil)
		env.SetWorkerStopChannel(stop)
		time.AfterFunc(10*time.Second, func() { close(stop) })
		began := time.Now()
		_, err := w.attempt(env, plan)
		w.endedAs(err, jobs.Temporary, "shutting down")
		if took := time.Since(began); took > 11*time.Second || len(w.cloud.Ledger().RunningBatches()) != 1 {
			w.Errorf("it took %v to stop, and the batch must go on", took)
		}
		done, err := w.finish(plan)
		if batches, _ := w.paid(); err != nil || done.Completed != 18 || batches != 1 {
			w.Errorf("done %+v, %v, %d batches", done, err, batches)
		}
		w.conserved(plan, "", 2)
	})
}

func TestRunShardAsBatch_FailsValidation(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{Models: []string{"another"}}, func(w *batchWorld) {
		plan := w.plan(batchInput(10))
		_, err := w.finish(plan)
		w.endedAs(err, jobs.EndpointRefused, "line 1 names a model that is not offered for batches")
		w.wantSteps("uploaded", "creating", "created", "ended")
		w.swept()
	})
}

func TestRunShardAsBatch_Expires(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{Window: 11 * time.Second, Run: 20 * time.Second}, func(w *batchWorld) {
		plan := w.plan(batchInput(20))
		done, err := w.finish(plan)
		if err != nil || done.Completed != 9 || done.Failed != 11 {
			w.Errorf("done %+v, %v", done, err)
		}
		w.conserved(plan, "", 11)
		if got := w.fate(strings.Repeat("long", 30) + "-15"); got != batchfile.CodeBatchExpired {
			w.Errorf("a line that was not reached ended as %s", got)
		}
	})
}

func TestRunShardAsBatch_CancelledBySomebodyElse(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.plan(batchInput(20))
		time.AfterFunc(11*time.Second, func() {
			api, _ := batchapi.New(w.dialect, settingsOf(w))
			if err := api.Cancel(context.Background(), w.cloud.Ledger().Batches[0].ID); err != nil {
				w.Error(err)
			}
		})
		if _, err := w.finish(plan); err != nil {
			w.Fatal(err)
		}
		w.conserved(plan, "", 11)
		if got := w.fate(strings.Repeat("long", 30) + "-15"); got != batchfile.CodeBatchCancelled {
			w.Errorf("a line that was not reached ended as %s", got)
		}
	})
}

// TestRunShardAsBatch_OddResults has the provider give the same odd file for
// every file of results.
func TestRunShardAsBatch_OddResults(t *testing.T) {
	t.Parallel()
	const ok = `{"choices":[{"index":0}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`
	for _, c := range []struct{ name, file, want string }{
		{"empty file", "\n", codeResultMissing},
		{"no JSON", "top\nsecret\n", codeResultMissing},
		{"a line that is cut", `{"custom_id":"ns-000000000000","response":{"status_co`, codeResultMissing},
		{"an id that is not ours", `{"custom_id":"x","response":` + ok + `}`, codeResultMissing},
		{"an index out of the shard", `{"custom_id":"ns-000000000007","response":` + ok + `}`, codeResultMissing},
		{"a negative index", `{"custom_id":"ns--1","response":` + ok + `}`, codeResultMissing},
		{"bare body", `{"custom_id":"ns-000000000000","response":` + ok + `}`, "200"},
		{"OpenAI's form", `{"custom_id":"ns-000000000000","response":{"status_code":201,"body":` + ok + `}}`, "201"},
		{"twice, and the first counts", `{"custom_id":"ns-000000000000","response":` + ok + `}` + "\n" +
			`{"custom_id":"ns-000000000000","error":{"code":"late"}}`, "200"},
		{"CRLF, blank lines, byte-order mark", "\ufeff\r\n" + `{"custom_id":"ns-000000000000","response":` + ok + "}\r\n\r\n", "200"},
		{"refused", `{"custom_id":"ns-000000000000","response":{"status_code":400,"body":{"error":{"message":"no"}}}}`, "400"},
		{"refused without a body", `{"custom_id":"ns-000000000000","response":{"status_code":500}}`, "500"},
		{"an answer without choices", `{"custom_id":"ns-000000000000","response":{"status_code":200,"body":{}}}`, codeInvalidResponse},
		{"an answer without a body", `{"custom_id":"ns-000000000000","response":{"status_code":200}}`, codeInvalidResponse},
		{"an error", `{"custom_id":"ns-000000000000","error":{"message":"no","code":"context_length_exceeded"}}`, "context_length_exceeded"},
		{"an error without a code", `{"custom_id":"ns-000000000000","error":"no"}`, batchapi.CodeProviderError},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
				plan := w.plan(input(1))
				w.cloud.Inject(sim.Fault{Op: sim.OpFileContent, Kind: sim.Status, Status: 200, Body: c.file})
				if _, err := w.finish(plan); err != nil {
					w.Fatal(err)
				}
				if _, err := w.collect(plan, ""); err != nil {
					w.Fatal(err)
				}
				if got := w.fate("r-0"); got != c.want {
					w.Errorf("the line ended as %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestRunShardAsBatch_Refusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault sim.Fault
		kind  string
	}{
		{"wrong token", sim.Fault{Op: sim.AnyControl, Kind: sim.Status, Status: 401}, jobs.Unauthorized},
		{"no such model", sim.Fault{Op: sim.OpBatchCreate, Kind: sim.Status, Status: 422}, jobs.EndpointRefused},
		{"no money left", sim.Fault{Op: sim.OpBatchCreate, Kind: sim.Status, Status: 402}, jobs.NoCapacity},
		{"too large", sim.Fault{Op: sim.OpFileUpload, Kind: sim.Status, Status: 413}, jobs.EndpointRefused},
		{"batch vanished", sim.Fault{Op: sim.OpBatchRead, Kind: sim.Status, Status: 404}, jobs.EndpointLost},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
				plan := w.plan(input(3))
				w.cloud.Inject(c.fault)
				_, err := w.finish(plan)
				w.endedAs(err, c.kind)
			})
		})
	}
}

func TestRunShardAsBatch_InputChanged(t *testing.T) {
	t.Parallel()
	eachDialect(t, sim.BatchOptions{}, func(w *batchWorld) {
		plan := w.plan(input(3))
		w.put("in.jsonl", input(4))
		_, err := w.finish(plan)
		w.endedAs(err, jobs.InputChanged)
	})
}

// TestRunShardAsBatch_BoundedMemory runs 10,000 lines with 80 MB of answers,
// which come from a provider that has none of them in memory.
func TestRunShardAsBatch_BoundedMemory(t *testing.T) {
	const lines = 10_000
	synctest.Test(t, func(t *testing.T) {
		answers := &endless{lines: lines, body: strings.Repeat("x", 8<<10)}
		w := newBatchWorld(t, batchapi.Nebius, "http://cloud.test", answers)
		plan := w.plan(input(lines))
		whole := batchfile.Shard{Requests: lines, Length: plan.Bytes, FirstLine: 1}
		w.put("out/.nightshift/job/shards.bin", batchfile.AppendShard(nil, whole))
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		answers.base = before.HeapAlloc
		done, err := w.attempt(w.env, workflows.Plan{URL: plan.URL})
		if err != nil || done.Completed != lines || answers.uploaded.Load() < plan.Bytes {
			t.Fatalf("done %+v, %v", done, err)
		}
		if peak := answers.peak >> 20; peak > 64 {
			t.Errorf("%d MB in use at the peak", peak)
		}
	})
}

// endless is a Batch API in Nebius's words that makes up its answers while they
// are downloaded, and looks at the memory meanwhile.
type endless struct {
	lines      int
	body       string
	base, peak uint64
	uploaded   atomic.Int64
}

func (e *endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/files"):
		n, _ := io.Copy(io.Discard, r.Body)
		e.uploaded.Store(n)
		io.WriteString(w, `{"id":"in"}`)
	case strings.HasSuffix(r.URL.Path, "/content"):
		for i := range e.lines {
			fmt.Fprintf(w, `{"custom_id":"ns-%012d","response":{"choices":["%s"]}}`+"\n", i, e.body)
			if i%500 == 0 {
				runtime.GC()
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				e.peak = max(e.peak, now.HeapAlloc-min(e.base, now.HeapAlloc))
			}
		}
	default:
		io.WriteString(w, `{"id":"b","status":"done","input_file_id":"in","output_file_id":"out"}`)
	}
}
