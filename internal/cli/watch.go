package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/heartbeats"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Snapshot is a job at one moment: what its workflow knows, and what the
// heartbeats of its open shards add to that.
type Snapshot struct {
	workflows.Progress
	At       time.Time
	Tokens   int64  // in and out, of answered requests
	InFlight int    // requests
	Endpoint string // the provider's own words for the endpoint's state, while it is awaited or released
	NoWorker bool   // nobody answers the workflow's query
	Sharing  int    // jobs that have the endpoint now, this one included; 0 where it is not shared
	Retried  string // what is being tried again, and why

	told workflows.Progress // what the workflow itself said last
}

// billed is the GPU time that the job has been billed for so far.
func (s Snapshot) billed() time.Duration {
	return seconds(s.GPUSeconds + s.openSeconds()*float64(s.Rental.GPUs))
}

// openSeconds is what the open rental has been billed for, in seconds of one
// replica.
func (s Snapshot) openSeconds() float64 {
	until := s.At
	if !s.Rental.StopAsked.IsZero() {
		until = s.Rental.StopAsked
	}
	return s.Rental.Meter.ReplicaSeconds(time.Time{}, until)
}

// cost is what that time costs; zero when a price is not known.
func (s Snapshot) cost() jobs.Money {
	open := jobs.Money{Amount: s.openSeconds() / 3600 * s.Rental.Price.Amount, Currency: s.Rental.Price.Currency}
	switch {
	case s.openSeconds() == 0:
		return s.Cost
	case s.GPUSeconds == 0:
		return open
	case s.Cost.Currency != open.Currency:
		return jobs.Money{}
	}
	return jobs.Money{Amount: s.Cost.Amount + open.Amount, Currency: open.Currency}
}

// Watch calls show with a fresh snapshot about every interval until the job
// ends, and returns its report. The error is nil only for a job that
// completed; the report is nil when the job left none.
func Watch(ctx context.Context, c client.Client, id string, every time.Duration, show func(Snapshot)) (*jobs.Report, error) {
	type result struct {
		report *jobs.Report
		err    error
	}
	ended := make(chan result, 1)
	go func() {
		report, err := await(ctx, c, id)
		ended <- result{report, err}
	}()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := Snapshot{}
	for {
		if now, err := look(ctx, c, id, last); err == nil && now.Phase != jobs.Ended {
			last = now
			show(now)
		}
		select {
		case r := <-ended:
			return r.report, unreported(id, r.err)
		case <-ticker.C:
		}
	}
}

// await waits for the job's end and finds its report, which lies in the result
// or in the error's details.
func await(ctx context.Context, c client.Client, id string) (*jobs.Report, error) {
	var report jobs.Report
	err := c.GetWorkflow(ctx, id, "").Get(ctx, &report)
	if err == nil {
		return &report, nil
	}
	if cancelled, ok := errors.AsType[*temporal.CanceledError](err); ok && cancelled.HasDetails() {
		return &report, errors.Join(err, cancelled.Details(&report))
	}
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.HasDetails() {
		return &report, errors.Join(err, failed.Details(&report))
	}
	return nil, err
}

// unreported says of a job that Temporal ended, and not its own code, where to
// look and how to go on.
func unreported(id string, err error) error {
	ended, closed := errors.AsType[*temporal.WorkflowExecutionError](err)
	if !closed {
		return err
	}
	var how string
	switch errors.Unwrap(ended).(type) { // no deeper: an activity's timeout is not the workflow's
	case *temporal.TerminatedError:
		how = "was terminated"
	case *temporal.TimeoutError:
		how = "ran into the timeout of its workflow"
	default:
		return err
	}
	return fmt.Errorf("job %s %s, so it left no report; what it rented is given back all the same\n"+
		"try: nightshift retry %s, which goes on with its answers, or nightshift endpoints list", id, how, id)
}

// queryTimeout is how long a snapshot waits for a worker.
const queryTimeout = 3 * time.Second

// look takes a snapshot. Where no worker answers, what was known before stands.
func look(ctx context.Context, c client.Client, id string, before Snapshot) (Snapshot, error) {
	description, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return before, err
	}
	return lookInto(ctx, c, id, description, before)
}

// lookInto takes the snapshot of a job that was described a moment ago.
func lookInto(ctx context.Context, c client.Client, id string, description *workflowservice.DescribeWorkflowExecutionResponse, before Snapshot) (Snapshot, error) {
	asking, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var told workflows.Progress
	answer, err := c.QueryWorkflow(asking, id, "", workflows.ProgressQuery)
	if err == nil {
		err = answer.Get(&told)
	}
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return before, err
	}
	now := Snapshot{told: told, At: time.Now(), NoWorker: err != nil}
	if now.NoWorker {
		now.told = before.told
	}
	now.addShards(heartbeats.Shards(description))
	now.Retried = heartbeats.Retried(description)
	if description.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		now.Phase = jobs.Ended // though its own code may not have come to that
	}
	switch now.Phase {
	case jobs.Warming, jobs.Running, jobs.Releasing:
		now.addEndpoint(ctx, c, cmp.Or(now.Guard, workflows.EndpointID(id)))
	}
	return now, nil
}

// addShards makes of what the workflow told, and of what its open shards beat,
// how far the job is.
func (s *Snapshot) addShards(beats []workflows.ShardBeat) {
	s.Progress = s.told
	s.Tokens = s.Usage.InputTokens + s.Usage.OutputTokens
	for _, beat := range beats {
		s.Counts.Completed += beat.Completed
		s.Counts.Failed += beat.Failed
		s.Tokens += beat.Tokens
		s.InFlight += beat.InFlight
	}
}

// addEndpoint adds what Endpoint's activity last heard from the provider. What
// cannot be had is left out: a line of progress is no place for its reason.
func (s *Snapshot) addEndpoint(ctx context.Context, c client.Client, guard string) {
	description, err := c.DescribeWorkflowExecution(ctx, guard, "")
	if err != nil {
		return
	}
	s.Retried = cmp.Or(s.Retried, heartbeats.Retried(description))
	beat, ok := heartbeats.Endpoint(description)
	if !ok {
		return
	}
	s.Endpoint = beat.Detail
	switch {
	case s.Rental.Shared != nil:
		s.addShare(ctx, c, guard, beat.Meter)
	case len(beat.Meter.Steps) > 0:
		s.Rental.Meter = beat.Meter
	}
}

// addShare adds the job's part of a shared endpoint.
func (s *Snapshot) addShare(ctx context.Context, c client.Client, guard string, meter jobs.Meter) {
	asking, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var sharing workflows.Sharing
	answer, err := c.QueryWorkflow(asking, guard, "", workflows.SharingQuery)
	if err != nil || answer.Get(&sharing) != nil {
		return
	}
	if lease, ok := sharing.Of(s.Job, meter, s.At); ok {
		s.Rental.Meter, s.Sharing = lease.Meter, len(sharing.Leases)
	}
}

// correctable are the error types of what a person has to correct.
var correctable = []string{jobs.InvalidInput, jobs.EndpointRefused, jobs.Unauthorized, jobs.NotFound, jobs.NoInput,
	jobs.OutputTaken, jobs.BucketDenied, jobs.DiskFull}

// Ending turns how a job ended into an error with its exit code, which is nil
// only for a job that completed without a failed line. What the report has said
// is not said again.
func Ending(report *jobs.Report, err error) error {
	switch {
	case err == nil && report != nil && report.Counts.Failed > 0:
		return &exitError{code: exitFailedLines}
	case err == nil:
		return nil
	}
	code := exitBadly
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		code = codeOf(failed.Type())
	}
	if report != nil {
		return &exitError{code: code}
	}
	return &exitError{code: code, err: err}
}

// endingOf is Ending for a job of which only the report is left.
func endingOf(report jobs.Report) error {
	if report.Outcome == jobs.Completed || report.Outcome == jobs.Skipped {
		return Ending(&report, nil)
	}
	return &exitError{code: codeOf(report.Failure)}
}

// codeOf is the exit code of a job that ended by a type of error.
func codeOf(failure string) int {
	if slices.Contains(correctable, failure) {
		return exitBadInput
	}
	return exitBadly
}
