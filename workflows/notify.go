package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// NoticeCall is the input of Notify and of SendNotice.
type NoticeCall struct {
	To     jobs.Notify `json:"to"` // names of variables, not what they hold
	Notice jobs.Notice `json:"notice"`
}

// notifyFor is how long a receiver may be down and still be told: its worst
// night's outage.
const notifyFor = 6 * time.Hour

// Notify tells a webhook of a job's end. It fails when the receiver has not
// taken the notice in notifyFor, which shows in the Web UI and changes nothing
// of the job.
func Notify(ctx workflow.Context, call NoticeCall) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              ControlQueue,
		StartToCloseTimeout:    30 * time.Second,
		ScheduleToCloseTimeout: notifyFor,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, MaximumInterval: 10 * time.Minute},
		Summary:                call.Notice.Type,
	})
	return workflow.ExecuteActivity(ctx, SendNotice, call).Get(ctx, nil)
}
