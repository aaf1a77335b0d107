package system

import (
	"context"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/workflows"
)

// sharer is a job that shares the endpoint with the others of a test.
type sharer struct {
	spec jobs.Spec
	id   string
}

// share submits jobs that share an endpoint, of so many requests each.
func (f *fixture) share(linger time.Duration, requests ...int) []sharer {
	f.Helper()
	var sharers []sharer
	for _, n := range requests {
		spec, number := f.spec(n), folders.Add(1)
		input, err := f.Store.Open(f.Context(), spec.Input[0], bucket.ReadOptions{})
		if err != nil {
			f.Fatal(err)
		}
		text, err := io.ReadAll(input)
		if err != nil {
			f.Fatal(err)
		}
		spec.Name = fmt.Sprintf("sharer-%d", number)
		spec.Input, spec.Output = jobs.URLs{fmt.Sprintf("%s/in-%d.jsonl", f.folder, number)}, fmt.Sprintf("%s/out-%d/", f.folder, number)
		spec.Endpoint.Share = jobs.Share{Name: "chat", Linger: jobs.Duration(linger)}
		spec.Endpoint.PricePerGPUHour = jobs.Money{Amount: 3.6, Currency: "USD"}
		f.put(spec.Input[0], text)
		sharers = append(sharers, sharer{spec: spec.WithDefaults()})
	}
	for i := range sharers {
		sharers[i].id = f.submit(sharers[i].spec)
	}
	return sharers
}

func guardOf(s sharer) string { return workflows.EndpointIDOf(s.id, s.spec.Endpoint) }

// awaitAll waits for all of the jobs, and returns how each ended. It looks at
// them seldom: each look asks workflows, which have better things to do.
func (f *fixture) awaitAll(sharers []sharer) []result {
	results := make([]result, len(sharers))
	var waiting sync.WaitGroup
	for i, one := range sharers {
		waiting.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
			defer cancel()
			report, err := cli.Watch(ctx, f.Client, one.id, 5*time.Second, func(cli.Snapshot) {})
			results[i] = result{report, err}
		})
	}
	waiting.Wait()
	return results
}

// until waits until the condition holds.
func (f *fixture) until(what string, condition func() bool) {
	f.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-deadline:
			f.Fatalf("not within %s: %s", patience, what)
		case <-ticker.C:
		}
	}
}

func (f *fixture) untilReleased() {
	f.Helper()
	f.until("released", func() bool { return len(f.Cloud.Ledger().Running()) == 0 })
}

// TestShare_FiveJobsOneRental: at once, and their bills with what was idle add
// up to the ledger's.
func TestShare_FiveJobsOneRental(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{WarmUp: 3 * time.Second, Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 16}}})
	sharers := f.share(5*time.Second, 100, 200, 300, 400, 500)
	var billed float64
	var last time.Time
	for i, ended := range f.awaitAll(sharers) {
		report := f.completed(ended)
		if kinds := f.conserved(sharers[i].spec); kinds["ok"] != 100*(i+1) {
			t.Errorf("result lines of job %d: %v", i, kinds)
		}
		if len(report.Rentals) != 1 || !report.Rentals[0].Returned() || report.Rentals[0].Shared.Most < 2 {
			t.Errorf("rentals of job %d: %+v", i, report.Rentals)
			continue
		}
		if left := report.Rentals[0].Shared.Left; left.After(last) {
			last = left
		}
		billed += report.GPUSeconds()
	}
	f.untilReleased()
	rental := f.released(guardOf(sharers[0]))
	ledger := f.Cloud.Ledger()
	if rental.Shared == nil || rental.Shared.Jobs != 5 {
		t.Fatalf("the Endpoint says %+v", rental)
	}
	whole := billed + rental.Shared.Idle*float64(rental.GPUs)
	t.Logf("five jobs were billed for %.2f GPU seconds and none for %.2f; the ledger has %.2f", billed, rental.Shared.Idle, ledger.Total.GPUSeconds)
	if math.Abs(whole-rental.GPUSeconds()) > 0.01 || math.Abs(whole-ledger.Total.GPUSeconds) > 1.5 {
		t.Errorf("the parts add up to %.2f GPU seconds, the Endpoint counted %.2f, the ledger %.2f", whole, rental.GPUSeconds(), ledger.Total.GPUSeconds)
	}
	if lingered := rental.StopAsked.Sub(last); lingered < 5*time.Second-100*time.Millisecond || rental.Shared.Idle < 1 {
		t.Errorf("it lingered for %s, idle for %.2f s", lingered, rental.Shared.Idle)
	}
	f.endpoints(1)
	f.keepShared([]string{sharers[0].id, sharers[4].id}, guardOf(sharers[0]))
}

// released waits until an Endpoint has released its endpoint, and returns what it
// says of it.
func (f *fixture) released(guard string) (rental jobs.Rental) {
	f.Helper()
	f.until("the Endpoint is done", func() bool {
		var sharing workflows.Sharing
		answer, err := f.Client.QueryWorkflow(context.Background(), guard, "", workflows.SharingQuery)
		if err != nil || answer.Get(&sharing) != nil {
			return false
		}
		rental = sharing.Rental
		return sharing.Stage == workflows.Released
	})
	return rental
}

// strike does all that can happen to those who share an endpoint, at one
// moment.
func (f *fixture) strike(sharers []sharer, worker *exec.Cmd) {
	f.Helper()
	ctx := context.Background()
	for _, workflow := range []string{sharers[0].id, guardOf(sharers[0])} {
		if err := f.Client.TerminateWorkflow(ctx, workflow, "", "by hand"); err != nil {
			f.Error(err)
		}
	}
	kill(worker)
	if _, err := f.Client.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: stack.Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: sharers[1].id},
		Reason: "by hand", RequestId: "reset", WorkflowTaskFinishEventId: f.lastTask(sharers[1].id),
	}); err != nil {
		f.Error(err)
	}
	f.process("worker")
}

func (f *fixture) lastTask(workflow string) (id int64) {
	f.Helper()
	events := f.Client.GetWorkflowHistory(context.Background(), workflow, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			f.Fatal(err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			id = event.GetEventId()
		}
	}
	return id
}

// TestShare_Deaths: one of three jobs is terminated, one is reset, the Endpoint
// is terminated by hand and the worker killed, all at once. The two that live
// lose no line and no endpoint, and nothing is left of it afterwards.
func TestShare_Deaths(t *testing.T) {
	t.Parallel()
	for moment, came := range map[string]func(*fixture) bool{
		"warming": func(f *fixture) bool { return len(f.Cloud.Ledger().Entries) > 0 },
		"sending": func(f *fixture) bool { return f.Cloud.Ledger().Total.Answered > 300 },
	} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			options := slowCloud
			options.Cloud.WarmUp = 3 * time.Second
			f := newFixture(t, options)
			worker := f.process("worker")
			sharers := f.share(time.Second, 400, 2500, 2500)
			f.until(moment, func() bool { return came(f) })
			f.strike(sharers, worker)
			for i, ended := range f.awaitAll(sharers)[1:] {
				f.completed(ended)
				if kinds := f.conserved(sharers[i+1].spec); kinds["ok"] != 2500 {
					t.Errorf("result lines: %v", kinds)
				}
			}
			f.untilReleased()
			f.endpoints(1)
			f.nothingRuns()
		})
	}
}

// TestShare_AskedForWhileLingering: the Endpoint is terminated when no job has the
// endpoint any more, and the next job that asks finds it.
func TestShare_AskedForWhileLingering(t *testing.T) {
	t.Parallel()
	for name, terminated := range map[string]bool{"warm": false, "Endpoint terminated": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := slowCloud
			options.NoWorker = false
			f := newFixture(t, options)
			sharers := f.share(30*time.Second, 20)
			f.completed(f.await(sharers[0].id))
			if terminated {
				if err := f.Client.TerminateWorkflow(context.Background(), guardOf(sharers[0]), "", "by hand"); err != nil {
					t.Fatal(err)
				}
			}
			second := f.share(time.Millisecond, 30)
			report := f.completed(f.await(second[0].id))
			warming := report.Rentals[0].Bill()[0]
			if warming.Doing != jobs.Starting || !terminated && warming.Seconds > 1 {
				t.Errorf("it warmed up again: %+v", warming)
			}
			f.untilReleased()
			f.endpoints(1)
			if !terminated {
				f.keepShared([]string{sharers[0].id, second[0].id}, guardOf(second[0]))
			}
		})
	}
}

// TestShare_AskedForWhileReleasing: the job that comes too late gets the next
// rental, when nothing is left of the one before.
func TestShare_AskedForWhileReleasing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: "delete", Kind: sim.Status, Status: 500, Count: 4})
	first := f.share(0, 20)
	var second []sharer
	ended := f.watch(first[0].id, in(jobs.Releasing), func() { second = f.share(0, 20) })
	report := f.completed(ended)
	if rental := report.Rentals[0]; rental.Returned() || rental.Confirmed.IsZero() {
		t.Errorf("the last job to have it does not prove its end: %+v", rental)
	}
	f.completed(f.await(second[0].id))
	f.untilReleased()
	f.endpoints(2)
	entries := f.Cloud.Ledger().Entries
	slices.SortFunc(entries, func(a, b sim.Entry) int { return a.CreatedAt.Compare(b.CreatedAt) })
	if entries[1].CreatedAt.Before(entries[0].StoppedAt) {
		t.Error("two at a time")
	}
	f.keepShared([]string{second[0].id}, guardOf(second[0]))
}

// TestShare_LimitOfOne ends one job by its own limit, and not the others.
func TestShare_LimitOfOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: slowCloud.Cloud})
	others := f.share(0, 1200)
	spec := others[0].spec
	spec.Output, spec.Limits.GPUMinutes = f.folder+"/limited/", 0.03
	limited := f.submit(spec)
	ended := f.await(limited)
	if ended.report == nil || ended.report.Outcome != jobs.Expired {
		t.Fatalf("ended with %+v, %v", ended.report, ended.err)
	}
	if used := ended.report.GPUSeconds(); used < 1.5 || used > 4 {
		t.Errorf("it was billed for %.2f GPU seconds, its limit was 1.8", used)
	}
	f.conserved(spec)
	f.completed(f.await(others[0].id))
	if kinds := f.conserved(others[0].spec); kinds["ok"] != 1200 {
		t.Errorf("result lines: %v", kinds)
	}
	f.endpoints(1)
	f.untilReleased()
}

// TestShare_Lifetime: a rental's end by its lifetime is no loss, nothing is
// sent twice, and the job goes on with another.
func TestShare_Lifetime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: slowCloud.Cloud})
	spec := f.spec(1500)
	spec.Endpoint.Share = jobs.Share{Name: "short", Lifetime: jobs.Duration(6 * time.Second)}
	id := f.submit(spec)
	report := f.completed(f.await(id))
	if kinds := f.conserved(spec); kinds["ok"] != 1500 {
		t.Errorf("result lines: %v", kinds)
	}
	if len(report.Rentals) < 2 {
		t.Fatalf("%d rentals", len(report.Rentals))
	}
	t.Logf("%d rentals; the first was released because %s", len(report.Rentals), report.Rentals[0].Reason)
	if repeated := f.Cloud.Ledger().Data.RepeatedBodies; repeated > int64(len(report.Rentals)+1) { // each is asked once whether it answers
		t.Errorf("%d requests were sent twice", repeated)
	}
	f.untilReleased()
}
