package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// night is a Nightly with everything around it: a schedule that starts it at
// two in the morning in Berlin, and a Batch that ends as told.
type night struct {
	env   *testsuite.TestWorkflowEnvironment
	input NightlyInput
	batch func(ctx workflow.Context, input BatchInput) (jobs.Report, error)
	given []BatchInput
}

var twoAtNight = time.Date(2026, time.November, 21, 1, 0, 0, 0, time.UTC) // in Berlin

func newNight(t *testing.T) *night {
	t.Helper()
	n := &night{env: newEnvironment(), input: NightlyInput{Schedule: "summaries", Spec: jobs.Spec{
		Name: "summaries-{{ .Date }}", Input: jobs.URLs{"s3://b/{{ .Date }}.jsonl"}, Output: "s3://b/{{ .Job }}/{{ .Time | date `15h` }}/",
		Endpoint: jobs.Endpoint{Provider: "nebius", Model: "m", GPU: jobs.GPU{Type: "h100"}},
		Schedule: jobs.Schedule{Cron: jobs.Crons{"0 2 * * *"}, TimeZone: "Europe/Berlin"},
	}.WithDefaults()}}
	n.batch = func(_ workflow.Context, input BatchInput) (jobs.Report, error) {
		return jobs.Report{Outcome: jobs.Completed, InputDigest: "now", Counts: jobs.Counts{Completed: 3}}, nil
	}
	n.env.RegisterWorkflow(Nightly)
	n.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, input BatchInput) (jobs.Report, error) {
		n.given = append(n.given, input)
		return n.batch(ctx, input)
	}, workflow.RegisterOptions{Name: BatchWorkflow})
	if err := n.env.SetTypedSearchAttributesOnStart(temporal.NewSearchAttributes(ScheduledFor.ValueSet(twoAtNight))); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *night) run(t *testing.T) (NightlyDone, error) {
	t.Helper()
	n.env.ExecuteWorkflow(Nightly, n.input)
	if !n.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	var done NightlyDone
	err := n.env.GetWorkflowError()
	switch failed, ok := errors.AsType[*temporal.ApplicationError](err); {
	case err == nil:
		if err := n.env.GetWorkflowResult(&done); err != nil {
			t.Fatal(err)
		}
	case ok:
		if err := failed.Details(&done); err != nil {
			t.Fatal(err)
		}
	}
	return done, err
}

// TestNightly_RunsItsJobForTheScheduledTime, and not for the time at which it
// happens to run.
func TestNightly_RunsItsJobForTheScheduledTime(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	done, err := n.run(t)
	if err != nil || len(n.given) != 1 {
		t.Fatalf("%d jobs, %v", len(n.given), err)
	}
	given := n.given[0]
	if !strings.HasPrefix(given.Job, "20261121-010000-summaries-2026-11-21-") || jobs.CheckID(given.Job) != nil || done.Job != given.Job {
		t.Errorf("job id %s, and %s in the result", given.Job, done.Job)
	}
	if given.Spec.Input[0] != "s3://b/2026-11-21.jsonl" || given.Spec.Output != "s3://b/"+given.Job+"/02h/" || given.Spec.Name != "summaries-2026-11-21" {
		t.Errorf("spec = %+v", given.Spec)
	}
	if !given.Spec.Schedule.IsZero() || *given.Night != (Night{Schedule: "summaries", For: twoAtNight, Skips: true}) {
		t.Errorf("schedule %+v, night %+v", given.Spec.Schedule, given.Night)
	}
	if done.Outcome != jobs.Completed || done.Seen != "now" || done.Counts.Completed != 3 || !done.For.Equal(twoAtNight) {
		t.Errorf("done = %+v", done)
	}
}

// TestNightly_RemembersWhatWasCompletedLast: only of the same question.
func TestNightly_RemembersWhatWasCompletedLast(t *testing.T) {
	t.Parallel()
	first := newNight(t)
	last, err := first.run(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*jobs.Spec)
		seen   string
	}{
		"the same":      {func(*jobs.Spec) {}, "now"},
		"another hour":  {func(s *jobs.Spec) { s.Schedule.Cron = jobs.Crons{"0 3 * * *"} }, "now"},
		"another model": {func(s *jobs.Spec) { s.Endpoint.Model = "other" }, ""},
		"other output":  {func(s *jobs.Spec) { s.Output = "s3://b/other/" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNight(t)
			c.change(&n.input.Spec)
			n.env.SetLastCompletionResult(last)
			n.batch = func(_ workflow.Context, input BatchInput) (jobs.Report, error) {
				return jobs.Report{Outcome: jobs.Skipped, Reason: "nothing is new", InputDigest: "x"}, nil
			}
			done, err := n.run(t)
			if err != nil || n.given[0].Night.Seen != c.seen {
				t.Errorf("the job knows of %q, want %q; %v", n.given[0].Night.Seen, c.seen, err)
			}
			if done.Outcome != jobs.Skipped || done.Seen != "now" || done.SeenSpec != last.SeenSpec {
				t.Errorf("a skipped run forgets what was completed: %+v", done)
			}
		})
	}
}

// TestNightly_FailsAsItsJobDoes, so that the schedule can pause, with what came
// of the job in the details.
func TestNightly_FailsAsItsJobDoes(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	n.batch = func(workflow.Context, BatchInput) (jobs.Report, error) {
		report := jobs.Report{Outcome: jobs.Failed, Reason: "no GPU", InputDigest: "now"}
		return report, temporal.NewNonRetryableApplicationError("no GPU", jobs.NoCapacity, nil, report)
	}
	done, err := n.run(t)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); !ok || failed.Type() != jobs.NoCapacity {
		t.Errorf("ended with %v", err)
	}
	if done.Outcome != jobs.Failed || done.Reason != "no GPU" || done.Seen != "" || done.Job == "" {
		t.Errorf("done = %+v", done)
	}
}

func TestNightly_CancelsItsJob(t *testing.T) {
	t.Parallel()
	n := newNight(t)
	n.batch = func(ctx workflow.Context, _ BatchInput) (jobs.Report, error) {
		ctx.Done().Receive(ctx, nil)
		report := jobs.Report{Outcome: jobs.Cancelled, Counts: jobs.Counts{Completed: 2}}
		return report, temporal.NewCanceledError(report)
	}
	n.env.RegisterDelayedCallback(n.env.CancelWorkflow, time.Minute)
	_, err := n.run(t)
	cancelled, ok := errors.AsType[*temporal.CanceledError](err)
	var done NightlyDone
	if !ok || cancelled.Details(&done) != nil || done.Counts.Completed != 2 {
		t.Errorf("ended with %v, %+v", err, done)
	}
}

// TestBatch_SkipsANightWithNothingNew: it rents nothing, and ends well.
func TestBatch_SkipsANightWithNothingNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan  func() (Plan, error)
		night *Night
		want  jobs.Outcome
	}{
		"the input of last night": {func() (Plan, error) { return Plan{Unchanged: true, Digest: "x"}, nil }, &Night{Skips: true, Seen: "x"}, jobs.Skipped},
		"no input":                {noInput, &Night{Skips: true}, jobs.Skipped},
		"no input, not skipping":  {noInput, &Night{}, jobs.Failed},
		"no input, by hand":       {noInput, nil, jobs.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plan, w.night = c.plan, c.night
			report, err := w.run(t)
			if c.want == jobs.Failed {
				report = failedAs(t, err, jobs.NoInput)
			}
			if report.Outcome != c.want || report.Reason == "" || len(w.asks) != 0 || (w.reported == nil) != (c.want == jobs.Skipped) {
				t.Errorf("report = %+v, %d asks, report.json %+v", report, len(w.asks), w.reported)
			}
		})
	}
}

func noInput() (Plan, error) {
	return Plan{}, temporal.NewNonRetryableApplicationError("s3://b/in.jsonl: not found", jobs.NoInput, nil)
}

// TestBatch_HasItsEndTold, and does not wait for it.
func TestBatch_HasItsEndTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on     []jobs.Event
		silent bool
		want   string
	}{
		"completed":        {nil, false, "job.completed"},
		"not wanted":       {[]jobs.Event{jobs.OnFailed}, false, ""},
		"unconfirmed":      {nil, true, "job.unconfirmed"},
		"counts as failed": {[]jobs.Event{jobs.OnFailed}, true, "job.unconfirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var told []NoticeCall
			w.env.RegisterWorkflowWithOptions(func(ctx workflow.Context, call NoticeCall) error {
				told = append(told, call)
				return workflow.Sleep(ctx, 24*time.Hour) // a receiver that is down
			}, workflow.RegisterOptions{Name: NotifyWorkflow})
			w.notify, w.silent = jobs.Notify{Webhook: "https://example.com/", SecretEnv: "HOOK_SECRET", On: c.on}, c.silent
			_, _ = w.run(t)
			if c.want == "" {
				if len(told) != 0 {
					t.Errorf("told %+v", told)
				}
				return
			}
			if len(told) != 1 || told[0].Notice.Type != c.want || told[0].To.SecretEnv != "HOOK_SECRET" {
				t.Fatalf("told %+v", told)
			}
			data := told[0].Notice.Data
			if data.Counts.Completed != 297 || data.Report != "s3://b/out/report.json" || (len(data.Unconfirmed) == 1) != c.silent {
				t.Errorf("told %+v", data)
			}
		})
	}
}

func TestNotify_TriesAgain(t *testing.T) {
	t.Parallel()
	for name, failures := range map[string]int{"taken at last": 5, "never taken": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newEnvironment()
			env.RegisterWorkflow(Notify)
			attempts := 0
			env.RegisterActivityWithOptions(func(context.Context, NoticeCall) error {
				if attempts++; attempts <= failures {
					return errors.New("it answered 500")
				}
				return nil
			}, activity.RegisterOptions{Name: SendNotice})
			env.ExecuteWorkflow(Notify, NoticeCall{})
			if err := env.GetWorkflowError(); (err != nil) != (failures > 5) || attempts < 6 {
				t.Errorf("after %d attempts: %v", attempts, err)
			}
		})
	}
}
