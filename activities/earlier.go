package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.temporal.io/api/serviceerror"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/submitted"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Lookup asks Temporal about a job.
func (o *Owners) Lookup(ctx context.Context, job string) (JobRecord, error) {
	description, err := o.Client.DescribeWorkflowExecution(ctx, job, "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return JobRecord{}, nil
	}
	if err != nil {
		return JobRecord{}, again(fmt.Errorf("describe workflow %s: %w", job, err))
	}
	record := JobRecord{Known: true, Open: !closed(description.GetWorkflowExecutionInfo().GetStatus())}
	input, err := submitted.Input(ctx, o.Client, job)
	if err != nil {
		return JobRecord{}, again(err)
	}
	record.Output = input.Spec.Output
	return record, nil
}

// earlierPlans returns the plans of the jobs that a job resumes from, in the
// order in which their answers count.
func (a *Outputs) earlierPlans(ctx context.Context, call workflows.ClaimCall) ([]string, error) {
	var plans []string
	for _, from := range call.ResumeFrom {
		found, err := a.plansOf(ctx, from, call)
		if err != nil {
			return nil, err
		}
		for _, url := range found {
			if !slices.Contains(plans, url) {
				plans = append(plans, url)
			}
		}
	}
	return plans, nil
}

// plansOf finds the plans of one entry of resume_from.
func (a *Outputs) plansOf(ctx context.Context, from string, call workflows.ClaimCall) ([]string, error) {
	output, ids := from, []string{from}
	if jobs.CheckID(from) == nil {
		record, err := a.ended(ctx, from)
		if err != nil {
			return nil, err
		}
		if !record.Known {
			return nil, final(jobs.InvalidInput, fmt.Sprintf("resume_from: job %s is not known to this Temporal server; write its output instead, such as s3://bucket/prefix/", from))
		}
		output = record.Output
	} else {
		var err error
		if ids, err = a.jobsBelow(ctx, output, call); err != nil {
			return nil, err
		}
	}
	var plans []string
	for _, id := range ids {
		url := workspaceOf(output, id).plan()
		switch _, err := a.Store.Stat(ctx, url); {
		case err == nil:
			plans = append(plans, url)
		case !errors.Is(err, bucket.ErrNotFound):
			return nil, fmt.Errorf("resume_from: %w", err)
		}
	}
	if len(plans) == 0 {
		return nil, final(jobs.InvalidInput, fmt.Sprintf("resume_from: there is nothing to resume from below %s: a job's answers are reused from %s, which it never got as far as, or which was deleted",
			output, bucket.Join(output, ".nightshift/JOB/")))
	}
	return plans, nil
}

// ended looks a job up and refuses one that still runs: its answers would be
// read while they change.
func (a *Outputs) ended(ctx context.Context, job string) (JobRecord, error) {
	record, err := a.Lookup(ctx, job)
	if err == nil && record.Open {
		err = final(jobs.InvalidInput, fmt.Sprintf("resume_from: job %s is still running; wait for its end, or cancel it with: nightshift cancel %s", job, job))
	}
	return record, err
}

// jobsBelow lists the other jobs that wrote below an output, the newest first.
func (a *Outputs) jobsBelow(ctx context.Context, output string, call workflows.ClaimCall) ([]string, error) {
	claims, err := readClaims(ctx, a.Store, output)
	if err != nil {
		return nil, fmt.Errorf("resume_from: %w", err)
	}
	var ids []string
	for _, claim := range claims {
		ids = append(ids, claim.Job)
	}
	written, found, err := readManifest(ctx, a.Store, output)
	if err != nil {
		return nil, fmt.Errorf("resume_from: %w", err)
	}
	if found {
		ids = append(ids, written.Job)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == call.Job || jobs.CheckID(id) != nil })
	for _, id := range ids {
		if _, err := a.ended(ctx, id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
