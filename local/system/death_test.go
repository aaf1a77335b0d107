package system

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// slowCloud answers about 160 requests a second, so that a job can be caught in
// the middle.
var slowCloud = stack.Options{NoWorker: true, Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 16}}}

// flushed counts the result lines that a job has in the bucket so far.
func (f *fixture) flushed(spec jobs.Spec, id string) int {
	f.Helper()
	seen := map[string]bool{}
	for object, err := range f.Store.List(context.Background(), bucket.Join(spec.Output, ".nightshift", id, "parts")+"/") {
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range f.lines(object.URL) {
			seen[line.CustomID] = true
		}
	}
	return len(seen)
}

// quiet waits until the cloud has noticed that its clients are gone.
func (f *fixture) quiet() {
	f.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for f.Cloud.Ledger().Data.InFlight > 0 {
		select {
		case <-deadline:
			f.Fatal("requests of a dead client stay in flight")
		case <-ticker.C:
		}
	}
}

func TestDeath_WorkerKilledInMidJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	worker := f.process("worker")
	spec := f.spec(1500)
	id := f.submit(spec)
	var lost int64
	ended := f.watch(id, func(s cli.Snapshot) bool { return s.Counts.Done() > 500 }, func() {
		kill(worker)
		f.quiet()
		lost = f.Cloud.Ledger().Data.DistinctBodies - int64(f.flushed(spec, id))
		f.process("worker")
	})
	report := f.completed(ended)
	if kinds := f.conserved(spec); kinds["ok"] != 1500 {
		t.Errorf("result lines: %v", kinds)
	}
	repeated := f.Cloud.Ledger().Data.RepeatedBodies
	t.Logf("in flight or unflushed when killed: %d, sent twice: %d, took %s", lost, repeated, report.Finished.Sub(report.Started))
	if repeated > lost {
		t.Errorf("%d requests were sent twice, only %d were in flight or unflushed", repeated, lost)
	}
	f.endpoints(1)
	f.nothingRuns()
}

func TestDeath_WorkerStoppedHandsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	worker := f.process("worker")
	spec := f.spec(1000)
	took := make(chan time.Duration, 1)
	ended := f.watch(f.submit(spec), halfway, func() {
		f.process("worker")
		if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		since := time.Now()
		go func() {
			_ = worker.Wait()
			took <- time.Since(since)
		}()
	})
	f.completed(ended)
	// What is in flight takes tenths of a second, and the machine is busy.
	handedOver := <-took
	t.Logf("handed over in %s", handedOver)
	if handedOver > 5*time.Second {
		t.Errorf("the worker took %s to hand over", handedOver)
	}
	f.conserved(spec)
	if repeated := f.Cloud.Ledger().Data.RepeatedBodies; repeated != 0 {
		t.Errorf("%d requests were sent twice", repeated)
	}
	f.endpoints(1)
	f.nothingRuns()
}

func TestDeath_WorkerKilledWhileWarming(t *testing.T) {
	t.Parallel()
	options := slowCloud
	options.Cloud.WarmUp = 3 * time.Second
	f := newFixture(t, options)
	worker := f.process("worker")
	spec := f.spec(100)
	ended := f.watch(f.submit(spec), in(jobs.Warming), func() {
		kill(worker)
		f.process("worker")
	})
	f.completed(ended)
	f.conserved(spec)
	f.endpoints(1)
	f.nothingRuns()
}

func TestDeath_WorkerKilledWhileCreating(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	f.Cloud.Inject(sim.Fault{Op: "create", Kind: sim.Slow, Delay: 3 * time.Second, Count: 1})
	worker := f.process("worker")
	spec := f.spec(100)
	ended := f.watch(f.submit(spec), func(cli.Snapshot) bool { return f.Cloud.Ledger().Calls["create"] > 0 }, func() {
		kill(worker)
		f.process("worker")
	})
	f.completed(ended)
	f.conserved(spec)
	f.endpoints(1)
	f.nothingRuns()
}

// TestDeath_DeadlineHoldsWithoutDataWorkers kills the only worker that sends
// requests for good: the deadline still ends the rental. The results are
// assembled as soon as there is a data worker again.
func TestDeath_DeadlineHoldsWithoutDataWorkers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	f.process("worker", "--role", "control")
	data := f.process("worker", "--role", "data")
	spec := f.spec(3000)
	spec.Limits.Deadline = jobs.Duration(15 * time.Second)
	id := f.submit(spec)
	ended := f.watch(id, func(s cli.Snapshot) bool { return s.Counts.Done() > 200 && f.flushed(spec, id) > 0 }, func() {
		kill(data)
		f.endpointEnded(id, time.Now())
		f.process("worker", "--role", "data")
	})
	if ended.report == nil || ended.report.Outcome != jobs.Expired {
		t.Fatalf("ended with %+v, %v", ended.report, ended.err)
	}
	kinds := f.conserved(spec)
	if kinds["ok"] == 0 || kinds["ok"]+kinds["batch_expired"] != 3000 {
		t.Errorf("result lines: %v", kinds)
	}
	f.endpoints(1)
	f.nothingRuns()
}

func TestDeath_SubmittedTwiceRunsOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	job := f.jobFile(f.spec(50))
	if _, stderr, code := f.run("run", "--id", "same", job); code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	_, stderr, code := f.run("run", "--id", "same", job)
	if code != 2 || !strings.Contains(stderr, "submitted before") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	stdout, _, code := f.run("status", "same")
	if code != 0 || !strings.Contains(stdout, "completed") {
		t.Errorf("status: exit code %d\n%s", code, stdout)
	}
	f.endpoints(1)
}
