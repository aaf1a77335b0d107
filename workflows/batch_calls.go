package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// The calls of Batch: one typed method an activity, which holds its options.

// patient retries until the job is to end: an object store or a provider that
// is down for minutes delays a job and does not break it.
var patient = &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 30 * time.Second}

// heartbeatTimeout is how long a dead worker's shard goes unnoticed. Workers
// beat every second, and every five when they have long been at it.
const heartbeatTimeout = 20 * time.Second

func (b *batch) planInput() workflow.Future {
	ctx := workflow.WithActivityOptions(b.work, workflow.ActivityOptions{
		TaskQueue:           DataQueue,
		StartToCloseTimeout: 24 * time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         patient,
		Summary:             "check the input and cut it into shards",
	})
	return workflow.ExecuteActivity(ctx, PlanInput, PlanCall{
		Job: b.input.Job, Input: b.input.Spec.Input, Output: b.input.Spec.Output,
		OnInvalid: b.input.Spec.OnInvalid, Models: b.input.Spec.Models, MaxLine: b.input.Spec.MaxLine, Expect: b.input.Spec.Expect,
		Unless: b.input.Night.seen(),
	})
}

func (b *batch) checkEndpoint(endpoint jobs.Endpoint) workflow.Future {
	ctx := workflow.WithActivityOptions(b.work, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         patient,
		Summary:             "check that " + endpoint.String() + " is offered",
	})
	return workflow.ExecuteActivity(ctx, CheckEndpoint, CheckCall{Endpoint: endpoint, Limits: b.input.Spec.Limits})
}

func (b *batch) endpointRequest() EndpointRequest {
	return EndpointRequest{
		Job: b.input.Job, Owner: workflow.GetInfo(b.life).WorkflowExecution.ID, Rental: b.state.Rental, Since: b.state.Since,
		Endpoint: b.endpoint(), Terms: b.terms(), Output: b.input.Spec.Output,
		Warmup: b.input.Spec.Limits.Warmup, Deadline: b.state.Deadline.Add(releaseGrace), Cap: b.cap(),
		Journal: b.state.Journal,
	}
}

// releaseGrace is how long after the job's own deadline Endpoint acts by
// itself: the job had that long to flush what it paid for and dismiss it.
const releaseGrace = 2 * time.Minute

// askEndpoint is called by several coroutines: own is the one's that waits. A
// job with a share watches the run that it asked, which may never answer.
func (b *batch) askEndpoint(own workflow.Context) error {
	var asked EndpointAsked
	err := workflow.ExecuteActivity(b.controlContext("ask for an endpoint"), AskEndpoint, b.endpointRequest()).Get(own, &asked)
	if err == nil && b.shares() && asked.Run != "" {
		b.state.Run = asked.Run
	}
	return err
}

func (b *batch) dismissEndpoint() error {
	dismissal := Dismissal{Request: b.endpointRequest(), Reason: b.releaseReason()}
	return workflow.ExecuteActivity(b.controlContext("dismiss the endpoint"), DismissEndpoint, dismissal).Get(b.life, nil)
}

func (b *batch) releaseReason() string {
	switch {
	case b.outcome != "":
		return "job " + string(b.outcome)
	case b.news.Retired != "":
		return b.news.Retired
	case b.stale:
		return "endpoint lost"
	case b.dropping():
		return "the job is paused"
	}
	return "every request is answered"
}

// callWatchEndpoint returns nil when that run of the guarding Endpoint is no
// longer the newest, or no longer open. The activity fails while it is and is
// retried: retries cost no history.
func (b *batch) callWatchEndpoint(ctx workflow.Context, run string) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: ownerPoll, BackoffCoefficient: 1, MaximumInterval: ownerPoll},
		Summary:             "watch the Endpoint of the shared endpoint",
	})
	return workflow.ExecuteActivity(ctx, WatchEndpoint, GuardCall{Workflow: b.guard(), Run: run}).Get(ctx, nil)
}

func (b *batch) controlContext(summary string) workflow.Context {
	return workflow.WithActivityOptions(b.life, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, MaximumInterval: 10 * time.Second},
		Summary:             summary,
	})
}

// callShard waits for a cancelled shard's last flush, so that the endpoint is
// not taken away from requests about to be answered and no result is lost.
func (b *batch) callShard(ctx workflow.Context, shard int) workflow.Future {
	run, queue := RunShard, DataQueue
	if b.endpoint().Mode == jobs.ProviderBatch {
		run, queue = RunShardAsBatch, BatchQueue
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           queue,
		StartToCloseTimeout: 26 * time.Hour, // the providers' batches take up to 24
		HeartbeatTimeout:    heartbeatTimeout,
		WaitForCancellation: true,
		RetryPolicy:         patient,
		Summary:             b.state.Plan.nameOf(shard),
	})
	return workflow.ExecuteActivity(ctx, run, ShardCall{
		Job: b.input.Job, PlanURL: b.state.Plan.URL, Shard: shard,
		Address: b.state.Address, Requests: b.input.Spec.Requests, Model: b.endpoint().Model,
	})
}

func (b *batch) collectResults(missing string) (Collected, error) {
	ctx := workflow.WithActivityOptions(b.life, workflow.ActivityOptions{
		TaskQueue:           DataQueue,
		StartToCloseTimeout: 24 * time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         patient,
		Summary:             "assemble the results in input order",
	})
	var collected Collected
	err := workflow.ExecuteActivity(ctx, CollectResults, CollectCall{
		Job: b.input.Job, PlanURL: b.state.Plan.URL, Output: b.input.Spec.Output, Missing: missing,
		Results: b.input.Spec.Results, Claim: b.state.Claim,
	}).Get(b.life, &collected)
	return collected, err
}

// writeReport gives up after a while: the report is the workflow's result as
// well, and a job that is over must not stay open for its sake.
func (b *batch) writeReport() error {
	ctx := workflow.WithActivityOptions(b.life, workflow.ActivityOptions{
		TaskQueue:              DataQueue,
		StartToCloseTimeout:    time.Minute,
		ScheduleToCloseTimeout: 10 * time.Minute,
		RetryPolicy:            patient,
		Summary:                "write report.json and report.html",
	})
	return workflow.ExecuteActivity(ctx, WriteReport, b.state.Report).Get(b.life, nil)
}
