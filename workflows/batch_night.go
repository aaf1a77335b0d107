package workflows

import (
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// Night is what a Batch knows of the schedule that it runs for.
type Night struct {
	Schedule string    `json:"schedule"`       // its id
	For      time.Time `json:"for"`            // the time for which the run was scheduled
	Skips    bool      `json:"skips"`          // without anything new the run is skipped
	Seen     string    `json:"seen,omitempty"` // Plan.Digest of the input that was completed last
}

// seen is the input that is nothing new; empty where every input is. A nil
// Night has seen nothing.
func (n *Night) seen() string {
	if n == nil || !n.Skips {
		return ""
	}
	return n.Seen
}

// skip ends the run of a schedule for which there is nothing to do.
func (b *batch) skip(planned error) {
	night := b.input.Night
	if night == nil || !night.Skips {
		return
	}
	switch {
	case planned != nil && errorType(planned) == jobs.NoInput:
		b.end(jobs.Skipped, "", "there is no input: "+errorText(planned))
	case b.state.Plan.Unchanged:
		b.end(jobs.Skipped, "", "nothing is new: the input is the one that schedule "+night.Schedule+" completed last, "+strings.Join(b.input.Spec.Input, ", "))
	}
}

// notify has the job's end told to whom the spec names. It only starts what
// does so, since a receiver that is down must not keep a job open. No job
// from before there was a notify has one in its spec, so that replays are as
// they were.
func (b *batch) notify() {
	to := b.input.Spec.Notify
	report := b.state.Report
	if to.IsZero() || !to.Wants(report.Event()) {
		return
	}
	ctx := workflow.WithChildOptions(b.life, workflow.ChildWorkflowOptions{
		WorkflowID: NotifyID(b.input.Job), TaskQueue: ControlQueue,
		ParentClosePolicy: enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:     "tell of " + b.input.Job + ": " + string(report.Event()),
	})
	call := NoticeCall{To: to, Notice: report.Notice(b.written)}
	if err := workflow.ExecuteChildWorkflow(ctx, NotifyWorkflow, call).GetChildWorkflowExecution().Get(ctx, nil); err != nil {
		workflow.GetLogger(b.life).Error("tell of the job's end", "error", err)
	}
}
