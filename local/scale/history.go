package scale

import (
	"context"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/nightshift-run/nightshift/workflows"
)

// History is what Temporal keeps of a job.
type History struct {
	Runs   int // of the job; more than one if it continued as new
	Events int // of all of them
	Shards int // that were run

	finished map[string]int64 // lines, by the identity of the worker that finished their shard
}

// readHistory goes through all runs of a job, from the newest back.
func readHistory(ctx context.Context, c client.Client, job string) (History, error) {
	h := History{finished: map[string]int64{}}
	for run, newest := "", true; newest || run != ""; newest = false {
		before, err := h.readRun(ctx, c, job, run)
		if err != nil {
			return h, fmt.Errorf("history of %s: %w", job, err)
		}
		run = before
	}
	return h, nil
}

// readRun adds one run and returns the one that it continues, if any.
func (h *History) readRun(ctx context.Context, c client.Client, job, run string) (before string, err error) {
	h.Runs++
	scheduled := map[int64]bool{}  // shards, by event
	identity := map[int64]string{} // who took a shard, by event
	events := c.GetWorkflowHistory(ctx, job, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return "", err
		}
		h.Events++
		if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			before = started.GetContinuedExecutionRunId()
		}
		if task := event.GetActivityTaskScheduledEventAttributes(); task.GetActivityType().GetName() == workflows.RunShard {
			scheduled[event.GetEventId()] = true
		}
		if task := event.GetActivityTaskStartedEventAttributes(); scheduled[task.GetScheduledEventId()] {
			identity[event.GetEventId()] = task.GetIdentity()
		}
		if task := event.GetActivityTaskCompletedEventAttributes(); scheduled[task.GetScheduledEventId()] {
			if err := h.addShard(identity[task.GetStartedEventId()], task); err != nil {
				return "", err
			}
		}
	}
	return before, nil
}

func (h *History) addShard(identity string, task *historypb.ActivityTaskCompletedEventAttributes) error {
	var done workflows.ShardDone
	if err := converter.GetDefaultDataConverter().FromPayloads(task.GetResult(), &done); err != nil {
		return err
	}
	h.Shards++
	h.finished[identity] += done.Completed + done.Failed
	return nil
}

// sharesOf is how many lines each worker finished. Lines of a shard count for
// the worker that ended it. A worker's identity begins with its process's id.
func (h *History) sharesOf(workers []*worker) []int64 {
	shares := make([]int64, len(workers))
	for i, one := range workers {
		for identity, lines := range h.finished {
			if strings.HasPrefix(identity, fmt.Sprintf("%d@", one.command.Process.Pid)) {
				shares[i] += lines
			}
		}
	}
	return shares
}
