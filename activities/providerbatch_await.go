package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// The pause between two looks at a batch grows from the first to the last of
// these. Together asks for 30 to 60 seconds; the beginning is for the
// sake of small batches and early refusals.
const (
	firstLook = 2 * time.Second
	lastLook  = 30 * time.Second
)

const (
	absentFor = time.Minute     // for how long a batch must look gone before it is given up
	failFor   = 5 * time.Minute // for how long reading it may fail before the attempt does
)

// await looks at the batch until it is over. When the activity is cancelled, it
// cancels the batch.
func (run *batchRun) await(id string) (batchapi.Batch, error) {
	run.first.Store(time.Now().UnixNano())
	var failing time.Time
	for wait := firstLook; ; wait = min(wait*3/2, lastLook) {
		if run.cancelled() || run.journal.last.Step == batchCancelling {
			return run.cancel(id)
		}
		if err := context.Cause(run.ending); err != nil {
			return batchapi.Batch{}, err
		}
		batch, err := run.api.Describe(run.calls, id)
		if err == nil {
			failing = time.Time{}
			run.note(batch)
			if batch.Phase != batchapi.Running {
				return batch, nil
			}
		} else if err := run.bear(id, err, &failing); err != nil {
			return batchapi.Batch{}, err
		}
		pause(run.ending, max(wait, retryAfter(err)))
	}
}

func (run *batchRun) note(batch batchapi.Batch) {
	run.last.Store(time.Now().UnixNano())
	run.told.Store(&batch)
}

// bear decides whether an error of reading the batch can be waited out.
func (run *batchRun) bear(id string, err error, failing *time.Time) error {
	if failing.IsZero() {
		*failing = time.Now()
	}
	lasted := time.Since(*failing)
	switch kind, final := hopeless(err); {
	case provider.Absent(err) && lasted >= absentFor:
		return run.lost(id)
	case provider.Absent(err):
		return nil
	case final && kind != jobs.NoCapacity, lasted >= failFor:
		return err
	}
	return nil
}

// lost closes the journal over a batch that the provider does not know, so that
// the next attempt makes another.
func (run *batchRun) lost(id string) error {
	if err := run.journal.append(run.ctx, batchEntry{Step: batchEnded, Batch: id, Status: "unknown to the provider"}); err != nil {
		return err
	}
	return final(jobs.EndpointLost, fmt.Sprintf("%s no longer knows batch %s", run.api.Dialect().Name, id))
}

// cancelPatience is how long a cancelled batch has to end.
const cancelPatience = 2 * time.Minute

// cancel asks for the batch's end until it is over.
func (run *batchRun) cancel(id string) (batchapi.Batch, error) {
	if run.journal.last.Step != batchCancelling {
		entry := batchEntry{Step: batchCancelling, Input: run.journal.last.Input, Batch: id}
		if err := run.journal.append(run.ctx, entry); err != nil && !errors.Is(err, errOvertaken) {
			activity.GetLogger(run.ctx).Warn("the journal does not tell that the batch is cancelled", "batch", id, "error", err)
		}
	}
	asked := false
	for began, wait := time.Now(), time.Second; ; wait = min(wait*2, lastLook/2) {
		if !asked {
			asked = run.api.Cancel(run.calls, id) == nil
		}
		batch, err := run.api.Describe(run.calls, id)
		switch {
		case err == nil && batch.Phase != batchapi.Running:
			run.note(batch)
			return batch, nil
		case err == nil:
			run.note(batch)
		case provider.Absent(err) && time.Since(began) >= absentFor:
			return batchapi.Batch{ID: id, Phase: batchapi.Cancelled}, nil
		}
		if time.Since(began) >= cancelPatience {
			return batchapi.Batch{}, final(jobs.EndpointUnconfirmed, fmt.Sprintf(
				"%s was asked to cancel batch %s and has not confirmed its end; it may still cost", run.api.Dialect().Name, id))
		}
		if !pause(run.calls, wait) {
			return batchapi.Batch{}, context.Cause(run.ending)
		}
	}
}

func (run *batchRun) beat() workflows.ShardBeat {
	done := run.tally()
	beat := workflows.ShardBeat{Shard: done.Shard, Completed: done.Completed, Failed: done.Failed, Tokens: done.Usage.InputTokens + done.Usage.OutputTokens}
	if told := run.told.Load(); told != nil {
		open := int64(len(run.done)) - done.Completed - done.Failed
		completed := max(told.Completed, int64(float64(run.sent)*told.Percent/100))
		// What lies in parts already is part of what the provider counts.
		if told.Phase == batchapi.Running {
			beat.Completed += min(completed, open)
			beat.Failed += min(told.Failed, open)
			open -= min(completed+told.Failed, open)
		}
		beat.InFlight = int(open)
	}
	return beat
}

func (run *batchRun) tally() workflows.ShardDone {
	completed, failed, usage := run.parts.counts()
	return workflows.ShardDone{
		Shard: run.call.Shard, Completed: completed, Failed: failed, Usage: usage,
		Sent: workflows.Sent{First: moment(&run.first), Last: moment(&run.last)},
	}
}

func retryAfter(err error) time.Duration {
	if told, ok := errors.AsType[*provider.Error](err); ok {
		return told.RetryAfter
	}
	return 0
}
