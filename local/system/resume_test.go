package system

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket/buckettest"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
)

// TestOutput_TwoJobsAtOnce starts two jobs on one output at the same moment.
func TestOutput_TwoJobsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	spec := f.spec(50)
	job := f.jobFile(spec)
	var wait sync.WaitGroup
	var codes [3]atomic.Int64
	for range 2 {
		wait.Go(func() {
			stdout, _, code := f.run("run", job)
			codes[min(code, 2)].Add(1)
			if refused := strings.Contains(stdout, "is writing to") || strings.Contains(stdout, "has the results of job"); refused != (code == 2) {
				t.Errorf("exit code %d\n%s", code, stdout)
			}
		})
	}
	wait.Wait()
	if codes[0].Load() != 1 || codes[2].Load() != 1 {
		t.Errorf("%d completed, %d ended badly, %d were refused", codes[0].Load(), codes[1].Load(), codes[2].Load())
	}
	if _, stderr, code := f.run("submit", job); code != 2 || !strings.Contains(stderr, "has the results of job") {
		t.Errorf("a third one: exit code %d\n%s", code, stderr)
	}
	f.conserved(spec)
	f.endpoints(1)
	f.nothingRuns()
}

// TestRetry_SendsOnlyTheRest cancels a job in its middle, follows its results
// meanwhile, and retries it.
func TestRetry_SendsOnlyTheRest(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 16}}})
	spec := f.spec(1000)
	id := f.submit(spec)
	followed := filepath.Join(t.TempDir(), "followed.jsonl")
	follow := f.process("results", "--follow", "-o", followed, id)
	ended := f.watch(id, halfway, func() {
		if _, stderr, code := f.run("results", id); code != 1 || !strings.Contains(stderr, "has not assembled its results yet") {
			t.Errorf("results of a running job: exit code %d\n%s", code, stderr)
		}
		if _, stderr, code := f.run("retry", id); code != 2 || !strings.Contains(stderr, "still running") {
			t.Errorf("retry of a running job: exit code %d\n%s", code, stderr)
		}
		if err := f.Client.CancelWorkflow(context.Background(), id, ""); err != nil {
			t.Error(err)
		}
	})
	answered := int(ended.report.Counts.Completed)
	if err := follow.Wait(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(followed); err != nil || strings.Count(string(text), "\n") != answered {
		t.Errorf("followed %d lines of %d: %v", strings.Count(string(text), "\n"), answered, err)
	}
	if stdout, _, code := f.run("results", "--errors", id); code != 0 || strings.Count(stdout, "batch_cancelled") != 1000-answered {
		t.Errorf("%d errors, exit code %d", strings.Count(stdout, "batch_cancelled"), code)
	}

	stdout, stderr, code := f.run("retry", id)
	if code != 0 || !strings.Contains(stderr, "answers are reused") {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	again := strings.TrimSpace(stdout)
	report := f.completed(f.await(again))
	if kinds := f.conserved(spec); kinds["ok"] != 1000 || report.Counts.Reused != int64(answered) {
		t.Errorf("result lines %v, %d reused of %d", kinds, report.Counts.Reused, answered)
	}
	if repeated := f.Cloud.Ledger().Data.RepeatedBodies; repeated > 1 { // the one that asks whether an endpoint is ready
		t.Errorf("%d requests were sent twice", repeated)
	}
	if stdout, _, code := f.run("results", spec.Output); code != 0 || strings.Count(stdout, "\n") != 1000 {
		t.Errorf("%d lines, exit code %d", strings.Count(stdout, "\n"), code)
	}
	if _, stderr, code := f.run("retry", again); code != 2 || !strings.Contains(stderr, "nothing to retry") {
		t.Errorf("retry of a complete job: exit code %d\n%s", code, stderr)
	}
	f.nothingRuns()
}

// TestStore_OutOfOrder has the object store answer nothing but errors for longer
// than a client tries, in the middle of a job, and slowly after that.
func TestStore_OutOfOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	var down, slow atomic.Bool
	refused := make(chan struct{}, 1)
	proxy := buckettest.NewProxy(t, f.Objects.Endpoint(), func(*http.Request) buckettest.Fault {
		if down.Load() {
			select {
			case refused <- struct{}{}:
			default:
			}
			return buckettest.Fault{Status: 500}
		}
		if slow.Load() {
			time.Sleep(100 * time.Millisecond) // what a slow store is
		}
		return buckettest.Fault{}
	})
	f.process("worker", "--s3-endpoint", proxy)
	spec := f.spec(1000)
	ended := f.watch(f.submit(spec), func(s cli.Snapshot) bool { return s.Counts.Done() > 200 }, func() {
		down.Store(true)
		<-refused
		time.AfterFunc(15*time.Second, func() {
			slow.Store(true)
			down.Store(false)
		})
	})
	f.completed(ended)
	if kinds := f.conserved(spec); kinds["ok"] != 1000 {
		t.Errorf("result lines: %v", kinds)
	}
	if repeated := f.Cloud.Ledger().Data.RepeatedBodies; repeated > 0 {
		t.Errorf("%d requests were sent twice", repeated)
	}
	f.endpoints(1)
	f.nothingRuns()
}
