package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// NightlyInput starts a Nightly. It is kept in the schedule, and is what the
// schedule is told by.
type NightlyInput struct {
	Schedule string    `json:"schedule"` // its id
	Spec     jobs.Spec `json:"spec"`     // as in the job file, templates and all
}

// NightlyDone is what came of one run of a schedule: the result of a Nightly,
// and the details of its error.
type NightlyDone struct {
	Job        string       `json:"job"`
	For        time.Time    `json:"for"` // the time for which it was scheduled
	Outcome    jobs.Outcome `json:"outcome"`
	Reason     string       `json:"reason,omitempty"`
	Counts     jobs.Counts  `json:"counts"`
	Cost       jobs.Money   `json:"cost,omitzero"`
	GPUSeconds float64      `json:"gpu_seconds,omitempty"`
	Output     string       `json:"output"`
	Started    time.Time    `json:"started"`
	Finished   time.Time    `json:"finished"`

	Seen     string `json:"seen,omitempty"`      // digest of the input that was completed last, by this run or an earlier one
	SeenSpec string `json:"seen_spec,omitempty"` // digest of what was asked of it
}

// Nightly is one run of a schedule. It fills in the job file's templates with
// the time for which the run is scheduled, however late it starts, and runs
// the job: a Batch like any other, under an id of its own. It ends as its job
// does, so that the schedule's overlap and pause on failure go by the job.
//
// What was completed last is known from the result of the last run that did
// not fail, which Temporal hands on from run to run.
func Nightly(ctx workflow.Context, input NightlyInput) (NightlyDone, error) {
	n := &nightly{ctx: ctx, input: input, done: NightlyDone{Started: workflow.Now(ctx)}}
	if err := n.prepare(); err != nil {
		return n.done, temporal.NewNonRetryableApplicationError(err.Error(), jobs.Internal, err, n.done)
	}
	report, err := n.runBatch()
	n.record(report)
	workflow.SetCurrentDetails(ctx, n.done.details())
	switch {
	case err == nil:
		return n.done, nil
	case n.done.Outcome == jobs.Cancelled || temporal.IsCanceledError(err):
		return n.done, temporal.NewCanceledError(n.done)
	}
	return n.done, temporal.NewNonRetryableApplicationError(n.done.Reason, errorType(err), nil, n.done)
}

// nightly is one run of Nightly.
type nightly struct {
	ctx   workflow.Context
	input NightlyInput
	batch BatchInput
	asked string // digest of the spec
	done  NightlyDone
}

// prepare makes the job of the schedule's spec and the scheduled time.
func (n *nightly) prepare() error {
	scheduled, ok := workflow.GetTypedSearchAttributes(n.ctx).GetTime(ScheduledFor)
	if !ok { // started by hand, for a look at it
		scheduled = n.done.Started
	}
	spec := n.input.Spec
	moment := jobs.Moment{Time: scheduled.In(spec.Schedule.Zone()), Schedule: n.input.Schedule}
	name, err := spec.NameAt(moment)
	if err != nil {
		return err
	}
	// The run's id from before any reset: a run that is reset has the job that it had.
	moment.Job = jobs.ScheduledID(name, scheduled, workflow.GetInfo(n.ctx).OriginalRunID)
	n.done.Job, n.done.For, n.asked = moment.Job, scheduled, digestOfSpec(spec)
	n.recall()
	if spec, err = spec.At(moment); err != nil {
		return err
	}
	n.done.Output = spec.Output
	night := &Night{Schedule: n.input.Schedule, For: scheduled, Skips: spec.Schedule.Skips()}
	if n.done.SeenSpec == n.asked {
		night.Seen = n.done.Seen
	}
	spec.Schedule = jobs.Schedule{}
	n.batch = BatchInput{Job: moment.Job, Spec: spec, Night: night}
	return nil
}

// recall takes over what earlier runs have seen.
func (n *nightly) recall() {
	if !workflow.HasLastCompletionResult(n.ctx) {
		return
	}
	var last NightlyDone
	if err := workflow.GetLastCompletionResult(n.ctx, &last); err != nil {
		workflow.GetLogger(n.ctx).Warn("read the last run's result", "error", err)
		return
	}
	n.done.Seen, n.done.SeenSpec = last.Seen, last.SeenSpec
}

// runBatch runs the job to its end. A Nightly that is cancelled, or that ends
// in a way in which none of its code runs, has its job cancelled, which gives
// the endpoint back.
func (n *nightly) runBatch() (jobs.Report, error) {
	spec := n.batch.Spec
	ctx := workflow.WithChildOptions(n.ctx, workflow.ChildWorkflowOptions{
		WorkflowID: n.batch.Job, TaskQueue: ControlQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		StaticSummary:         Summary(spec),
		StaticDetails:         Details(spec),
	})
	workflow.SetCurrentDetails(n.ctx, "job `"+n.batch.Job+"`")
	var report jobs.Report
	err := workflow.ExecuteChildWorkflow(ctx, BatchWorkflow, n.batch).Get(ctx, &report)
	if err == nil {
		return report, nil
	}
	unread := errors.New("there is none")
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		unread = failed.Details(&report)
	} else if cancelled, ok := errors.AsType[*temporal.CanceledError](err); ok && cancelled.HasDetails() {
		unread = cancelled.Details(&report)
	}
	if unread == nil {
		return report, err
	}
	return jobs.Report{Outcome: jobs.Failed, Reason: fmt.Sprintf("job %s left no report: %v", n.batch.Job, err)}, err
}

// record notes what came of the job, and what is seen by now.
func (n *nightly) record(report jobs.Report) {
	done := &n.done
	done.Outcome, done.Reason, done.Counts = report.Outcome, report.Reason, report.Counts
	done.Cost, done.GPUSeconds, done.Finished = report.Cost, report.GPUSeconds(), workflow.Now(n.ctx)
	if report.Outcome == jobs.Completed {
		done.Seen, done.SeenSpec = report.InputDigest, n.asked
	}
}

func (d NightlyDone) details() string {
	return fmt.Sprintf("**%s** job `%s`, scheduled for %s\n\n%s", d.Outcome, d.Job, clock(d.For), d.Reason)
}

// digestOfSpec tells what is asked of an input from what was asked of it
// before: with another model or another output it is no longer unchanged.
// The same spec is written as the same JSON, maps in the order of their keys.
//
//workflowcheck:ignore
func digestOfSpec(spec jobs.Spec) string {
	spec.Name, spec.Limits, spec.Schedule, spec.Notify = "", jobs.Limits{}, jobs.Schedule{}, jobs.Notify{}
	text, err := json.Marshal(spec)
	if err != nil {
		return "" // not with these types
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// maxSummary is what Temporal keeps of a summary, in bytes.
const maxSummary = 400

// Summary is the line that the Web UI shows beside a job.
func Summary(spec jobs.Spec) string {
	choices := spec.Choices()
	summary := fmt.Sprintf("%s: %s, %s", spec.Name, choices[0], choices[0].Provider)
	switch others := len(choices) - 1; {
	case others == 1:
		summary += ", or another"
	case others > 1:
		summary += fmt.Sprintf(", or %d others", others)
	}
	return strings.ToValidUTF8(summary[:min(len(summary), maxSummary)], "")
}

// Details are what the Web UI says of a job that nobody has run yet: where it
// reads and writes.
func Details(spec jobs.Spec) string {
	return fmt.Sprintf("from `%s`\n\nto `%s`", strings.Join(spec.Input, "` `"), spec.Output)
}
