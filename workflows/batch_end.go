package workflows

import (
	"errors"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// missingCodes are the error codes of lines that never ran, by how the job
// ended. The first two are OpenAI's.
var missingCodes = map[jobs.Outcome]string{
	jobs.Cancelled: "batch_cancelled",
	jobs.Expired:   "batch_expired",
	jobs.Failed:    "batch_failed",
}

// collect assembles what there is, whatever happened: answers that were paid
// for are kept, and every other line says why it has none.
func (b *batch) collect() {
	b.enter(jobs.Collecting)
	collected, err := b.collectResults(missingCodes[b.outcome])
	if err != nil {
		b.outcome, b.failure = jobs.Failed, errorType(err)
		b.state.Report.Reason = errorText(err)
		return
	}
	collected.Counts.Reused = b.state.Report.Counts.Reused
	b.state.Report.Counts, b.state.Report.Usage, b.state.Report.Files = collected.Counts, collected.Usage, collected.Files
}

// finish writes the report and ends the workflow as the job ended.
func (b *batch) finish() (jobs.Report, error) {
	b.enter(jobs.Ended)
	report := &b.state.Report
	if b.outcome == "" {
		b.outcome = jobs.Completed
	}
	report.Outcome, report.Failure, report.Finished = b.outcome, b.failure, workflow.Now(b.life)
	report.Settle()
	// A night without anything new leaves the report of the last one that had.
	if b.outcome != jobs.Skipped && b.mayReport() {
		if err := b.writeReport(); err != nil {
			workflow.GetLogger(b.life).Error("write the report", "error", err)
		} else {
			b.written = strings.TrimSuffix(report.Output, "/") + "/report.json"
		}
	}
	b.show()
	b.notify()
	switch b.outcome {
	case jobs.Completed, jobs.Skipped:
		return *report, nil
	case jobs.Cancelled:
		return *report, temporal.NewCanceledError(*report)
	}
	return *report, temporal.NewNonRetryableApplicationError(report.Reason, b.failure, nil, *report)
}

// mayReport reports whether report.json is this job's to write: not where the
// output is another's.
func (b *batch) mayReport() bool {
	if b.unclaimed || b.failure == jobs.OutputTaken {
		return false
	}
	return b.state.Plan.URL != "" || workflow.GetVersion(b.life, reportWithoutPlan, workflow.DefaultVersion, 1) == 1
}

// failWith ends the job for the errors among errs, all told together.
func (b *batch) failWith(errs ...error) {
	var texts []string
	kind := ""
	for _, err := range errs {
		if err != nil {
			texts = append(texts, errorText(err))
			kind = errorType(err)
		}
	}
	if kind != "" {
		b.end(jobs.Failed, kind, strings.Join(texts, "\n"))
	}
}

func (b *batch) nextRun() BatchInput {
	state := b.state
	state.Workers = b.workers.count()
	return BatchInput{Job: b.input.Job, Spec: b.input.Spec, State: &state, Night: b.input.Night}
}

// errorType is the type that an activity gave its error, or Internal where it
// gave none.
func errorType(err error) string {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failure.Type()
	}
	return jobs.Internal
}

// errorText is an activity's own words, without Temporal's around them.
func errorText(err error) string {
	if failure, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failure.Message()
	}
	return err.Error()
}
