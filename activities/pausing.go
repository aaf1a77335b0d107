package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/workflows"
)

// pausedPoll is how often a shard with requests in flight asks whether the
// pause that ended it still lasts.
const pausedPoll = 2 * time.Second

// drain lets what is in flight go on once no more lines are taken: for as long
// as the job lets it, and then for drainTime. inFlight ends when there is
// nothing to wait for any more; cut is called in any case.
func (run *shardRun) drain(ctx, inFlight context.Context, cut context.CancelFunc) {
	defer cut()
	for ctx.Err() != nil && finishing(inFlight) {
		if !pause(inFlight, pausedPoll) {
			return
		}
	}
	pause(inFlight, drainTime)
}

// finishing asks the job whether it is pausing, which cancels shards too. A job
// that cannot be asked is not: its workflow may be gone.
func finishing(ctx context.Context) bool {
	asking, cancel := context.WithTimeout(ctx, pausedPoll)
	defer cancel()
	job := activity.GetInfo(ctx).WorkflowExecution.ID
	answer, err := activity.GetClient(ctx).QueryWorkflow(asking, job, "", workflows.ProgressQuery)
	if err != nil {
		return false
	}
	var progress workflows.Progress
	return answer.Get(&progress) == nil && progress.Finishing
}

// kept adds to a cancellation how far the shard came: what watches a paused job
// wants to know.
func (run *shardRun) kept(err error) error {
	if errors.Is(err, context.Canceled) || temporal.IsCanceledError(err) {
		return temporal.NewCanceledError(run.tally())
	}
	return err
}
