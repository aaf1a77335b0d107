package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/workflows"
)

// DefaultSweepEvery is how often the accounts are swept: often enough that an
// orphan costs minutes, seldom enough to be no load.
const DefaultSweepEvery = 10 * time.Minute

// sweepCatchUp is how late a missed sweep may still start. After an outage one
// sweep is enough, and the next is never far.
const sweepCatchUp = time.Minute

// installSweep makes sure that the schedule exists and is as this worker wants
// it. Running it twice, or in two workers at once, is once. A schedule that a
// person has paused stays paused, and is logged.
func installSweep(ctx context.Context, c client.Client, every time.Duration, logger *slog.Logger) error {
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:   workflows.SweepSchedule,
		Spec: sweepSpec(every), Action: sweepAction(),
		Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: sweepCatchUp,
		Note: "deletes endpoints that nobody will release any more",
	})
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		err = updateSweep(ctx, c, every, logger)
	}
	if err != nil {
		return fmt.Errorf("install schedule %s: %w\nto go without: --no-sweep", workflows.SweepSchedule, err)
	}
	return nil
}

func updateSweep(ctx context.Context, c client.Client, every time.Duration, logger *slog.Logger) error {
	handle := c.ScheduleClient().GetHandle(ctx, workflows.SweepSchedule)
	described, err := handle.Describe(ctx)
	if err != nil {
		return err
	}
	if described.Schedule.State.Paused {
		logger.Warn("the sweep for forgotten endpoints is paused", "schedule", workflows.SweepSchedule, "note", described.Schedule.State.Note)
	}
	if sweepIsCurrent(described.Schedule, every) {
		return nil
	}
	return handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(now client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			schedule := now.Description.Schedule
			spec := sweepSpec(every)
			schedule.Spec, schedule.Action = &spec, sweepAction()
			schedule.Policy = &client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: sweepCatchUp}
			return &client.ScheduleUpdate{Schedule: &schedule}, nil
		},
	})
}

func sweepSpec(every time.Duration) client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}
}

func sweepAction() *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID: workflows.SweepSchedule, Workflow: workflows.SweepWorkflow, TaskQueue: workflows.ControlQueue,
		Args: []any{workflows.SweepCall{}}, StaticSummary: "endpoints that nobody will release any more",
	}
}

// sweepIsCurrent reports whether a schedule, as described, is the one that this
// worker would install.
func sweepIsCurrent(is client.Schedule, every time.Duration) bool {
	action, ok := is.Action.(*client.ScheduleWorkflowAction)
	return ok && action.Workflow == workflows.SweepWorkflow && action.TaskQueue == workflows.ControlQueue &&
		slices.Equal(is.Spec.Intervals, sweepSpec(every).Intervals) && len(is.Spec.Calendars) == 0 &&
		is.Policy.Overlap == enumspb.SCHEDULE_OVERLAP_POLICY_SKIP && is.Policy.CatchupWindow == sweepCatchUp && !is.Policy.PauseOnFailure
}
