package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// nightRun is one run of a schedule.
type nightRun struct {
	For      time.Time   `json:"for"`     // the time for which it was scheduled
	Job      string      `json:"job"`     // the job's id
	Outcome  string      `json:"outcome"` // a jobs.Outcome, running, or unknown for one that Temporal has forgotten
	Reason   string      `json:"reason,omitempty"`
	Counts   jobs.Counts `json:"counts"`
	Cost     jobs.Money  `json:"cost,omitzero"` // absent when it is not known
	Output   string      `json:"output,omitempty"`
	Started  time.Time   `json:"started"`
	Finished time.Time   `json:"finished,omitzero"`
}

// runs are the newest runs of a schedule, at most so many, the newest first.
func (s *schedule) runs(ctx context.Context, c client.Client, most int) ([]nightRun, error) {
	var runs []nightRun
	recent := s.Info.RecentActions
	for i := len(recent) - 1; i >= 0 && len(runs) < most; i-- {
		if recent[i].StartWorkflowResult == nil {
			continue
		}
		run, err := s.run(ctx, c, recent[i])
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// run says what came of a run.
func (s *schedule) run(ctx context.Context, c client.Client, action client.ScheduleActionResult) (nightRun, error) {
	execution := action.StartWorkflowResult
	run := nightRun{For: s.scheduledFor(action), Started: action.ActualTime, Outcome: "unknown"}
	run.Job = s.jobOf(run.For, execution.FirstExecutionRunID)
	described, err := c.DescribeWorkflowExecution(ctx, execution.WorkflowID, execution.FirstExecutionRunID)
	if _, forgotten := errors.AsType[*serviceerror.NotFound](err); forgotten {
		return run, nil
	}
	if err != nil {
		return run, err
	}
	if described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		run.Outcome = "running"
		return run, nil
	}
	var done workflows.NightlyDone
	if err := nightlyResult(ctx, c.GetWorkflow(ctx, execution.WorkflowID, execution.FirstExecutionRunID), &done); err != nil {
		run.Outcome, run.Reason = string(jobs.Failed), err.Error()
		return run, nil
	}
	run.Outcome, run.Reason, run.Counts, run.Cost = string(done.Outcome), done.Reason, done.Counts, done.Cost
	run.Output, run.Finished = done.Output, done.Finished
	return run, nil
}

// nightlyResult reads what came of a Nightly that has ended, in whatever way it
// has; the error says that it left nothing.
func nightlyResult(ctx context.Context, run client.WorkflowRun, done *workflows.NightlyDone) error {
	err := run.Get(ctx, done)
	if cancelled, ok := errors.AsType[*temporal.CanceledError](err); ok && cancelled.HasDetails() {
		return cancelled.Details(done)
	}
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		return failed.Details(done)
	}
	return err
}

// scheduledFor is the time that Temporal has put at the end of the run's
// workflow id; what it calls the schedule time has the jitter in it.
func (s *schedule) scheduledFor(action client.ScheduleActionResult) time.Time {
	text := strings.TrimPrefix(action.StartWorkflowResult.WorkflowID, workflows.NightlyID(s.id)+"-")
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return action.ScheduleTime
	}
	return at
}

// jobOf is the id of the job that a run started, which Nightly makes of the
// same.
func (s *schedule) jobOf(scheduled time.Time, run string) string {
	name, err := s.spec.NameAt(jobs.Moment{Time: scheduled.In(s.spec.Schedule.Zone()), Schedule: s.id})
	if err != nil {
		return ""
	}
	return jobs.ScheduledID(name, scheduled, run)
}

// open is the job of the run that is open; empty if none is.
func (s *schedule) open() string {
	for _, execution := range s.Info.RunningWorkflows {
		return s.jobOf(s.scheduledFor(client.ScheduleActionResult{StartWorkflowResult: &execution}), execution.FirstExecutionRunID)
	}
	return ""
}
