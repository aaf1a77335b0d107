package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// claimOutput makes the output this job's own before anything is read, written
// or rented. It reports whether it is.
func (b *batch) claimOutput() bool {
	if workflow.GetVersion(b.life, claimChange, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return true
	}
	var claimed Claimed
	if err := b.callClaim().Get(b.life, &claimed); err != nil {
		b.unclaimed = true
		if b.outcome == "" {
			b.failWith(err)
		}
		return false
	}
	b.state.Claim, b.state.Earlier = claimed.URL, claimed.Earlier
	b.show()
	return true
}

// reuse takes over what earlier jobs have answered. Where that is everything,
// nothing is rented. It reports false when the job is to end instead.
func (b *batch) reuse() bool {
	if len(b.state.Earlier) == 0 {
		return true
	}
	var reused Reused
	if err := b.callReuse().Get(b.life, &reused); err != nil {
		if b.outcome == "" {
			b.failWith(err)
		}
		return false
	}
	b.state.Answered = reused.Answered
	for _, shards := range reused.Answered {
		b.done += shards.To - shards.From
	}
	b.state.pass()
	counts := &b.state.Report.Counts
	counts.Reused, counts.Completed, counts.Failed = reused.Requests, reused.Counts.Completed, reused.Counts.Failed
	b.state.Report.Usage.Add(reused.Usage)
	b.show()
	return true
}

// pass goes beyond shards that are answered already.
func (s *BatchState) pass() {
	if len(s.Answered) > 0 && s.Answered[0].From == s.Next {
		s.Next = s.Answered[0].To
		s.Answered = s.Answered[1:]
	}
}

// callClaim has the data queue's workers find out whether they can write.
func (b *batch) callClaim() workflow.Future {
	ctx := workflow.WithActivityOptions(b.work, workflow.ActivityOptions{
		TaskQueue:           DataQueue,
		StartToCloseTimeout: 5 * time.Minute,
		RetryPolicy:         patient,
		Summary:             "claim the output",
	})
	return workflow.ExecuteActivity(ctx, ClaimOutput, ClaimCall{
		Job: b.input.Job, Run: workflow.GetInfo(b.life).FirstRunID, Output: b.input.Spec.Output,
		Replace: b.input.Spec.OutputExists == jobs.ReplaceOutput, ResumeFrom: b.input.Spec.ResumeFrom,
	})
}

func (b *batch) callReuse() workflow.Future {
	ctx := workflow.WithActivityOptions(b.work, workflow.ActivityOptions{
		TaskQueue:           DataQueue,
		StartToCloseTimeout: 24 * time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         patient,
		Summary:             "take over what earlier jobs have answered",
	})
	return workflow.ExecuteActivity(ctx, ReuseResults, ReuseCall{Job: b.input.Job, PlanURL: b.state.Plan.URL, Earlier: b.state.Earlier})
}
