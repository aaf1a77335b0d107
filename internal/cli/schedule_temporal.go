package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// schedule is one of nightshift's schedules as Temporal has it.
type schedule struct {
	*client.ScheduleDescription
	id     string
	spec   jobs.Spec // as in its job file
	handle client.ScheduleHandle
}

// findSchedule looks a schedule up; one of somebody else's is an error.
func findSchedule(ctx context.Context, c client.Client, id string) (*schedule, error) {
	handle := c.ScheduleClient().GetHandle(ctx, id)
	described, err := handle.Describe(ctx)
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return nil, badInput(fmt.Errorf("no schedule %s; see: nightshift schedule list", id))
	}
	if err != nil {
		return nil, fmt.Errorf("describe schedule %s: %w", id, err)
	}
	found := &schedule{ScheduleDescription: described, id: id, handle: handle}
	action, ok := described.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !ok || action.Workflow != workflows.NightlyWorkflow || len(action.Args) != 1 {
		return nil, badInput(fmt.Errorf("schedule %s %w", id, errNotOurs))
	}
	payload, ok := action.Args[0].(*commonpb.Payload)
	if !ok {
		return nil, fmt.Errorf("schedule %s: no job in it", id)
	}
	var input workflows.NightlyInput
	if err := converter.GetDefaultDataConverter().FromPayload(payload, &input); err != nil {
		return nil, fmt.Errorf("schedule %s: read its job: %w", id, err)
	}
	found.spec = input.Spec
	return found, nil
}

// createSchedule makes a schedule. One that exists is
// temporal.ErrScheduleAlreadyRunning.
func createSchedule(ctx context.Context, c client.Client, input workflows.NightlyInput, paused bool) error {
	times, err := scheduleTimes(input.Spec.Schedule)
	if err != nil {
		return err
	}
	policy := schedulePolicy(input.Spec.Schedule)
	_, err = c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: input.Schedule, Spec: times, Action: scheduleAction(input), Paused: paused,
		Overlap: policy.Overlap, CatchupWindow: policy.CatchupWindow, PauseOnFailure: policy.PauseOnFailure,
	})
	return err
}

// updateSchedule makes a schedule that exists as the job file has it. Whether
// it is paused stays as it is.
func updateSchedule(ctx context.Context, c client.Client, input workflows.NightlyInput) error {
	times, err := scheduleTimes(input.Spec.Schedule)
	if err != nil {
		return err
	}
	return c.ScheduleClient().GetHandle(ctx, input.Schedule).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(now client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			policy := schedulePolicy(input.Spec.Schedule)
			updated := now.Description.Schedule
			updated.Spec, updated.Action, updated.Policy = &times, scheduleAction(input), &policy
			return &client.ScheduleUpdate{Schedule: &updated}, nil
		},
	})
}

func scheduleAction(input workflows.NightlyInput) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{
		ID: workflows.NightlyID(input.Schedule), Workflow: workflows.NightlyWorkflow, TaskQueue: workflows.ControlQueue,
		Args:          []any{input},
		Memo:          map[string]any{"schedule": input.Spec.Schedule.String()},
		StaticSummary: workflows.Summary(input.Spec), StaticDetails: workflows.Details(input.Spec),
	}
}

func schedulePolicy(s jobs.Schedule) client.SchedulePolicies {
	overlap := enumspb.SCHEDULE_OVERLAP_POLICY_SKIP
	if s.Overlap == jobs.OverlapBufferOne {
		overlap = enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE
	}
	return client.SchedulePolicies{Overlap: overlap, CatchupWindow: s.CatchUp.Std(), PauseOnFailure: s.PauseOnFailure}
}

// scheduleTimes are a schedule's times in Temporal's words. Cron expressions go
// as the calendars that they mean, with their text as the comment: Temporal
// would not keep it, and can so be compared with a job file.
func scheduleTimes(s jobs.Schedule) (client.ScheduleSpec, error) {
	times, err := s.Times()
	if err != nil {
		return client.ScheduleSpec{}, err
	}
	spec := client.ScheduleSpec{TimeZoneName: s.TimeZone, Jitter: s.Jitter.Std()}
	for i, calendar := range times.Calendars {
		spec.Calendars = append(spec.Calendars, client.ScheduleCalendarSpec{
			Second: scheduleRanges(calendar.Second), Minute: scheduleRanges(calendar.Minute), Hour: scheduleRanges(calendar.Hour),
			DayOfMonth: scheduleRanges(calendar.DayOfMonth), Month: scheduleRanges(calendar.Month),
			Year: scheduleRanges(calendar.Year), DayOfWeek: scheduleRanges(calendar.DayOfWeek),
			Comment: times.Texts[i],
		})
	}
	for _, interval := range times.Intervals {
		spec.Intervals = append(spec.Intervals, client.ScheduleIntervalSpec{Every: interval.Every, Offset: interval.Offset})
	}
	return spec, nil
}

func scheduleRanges(ranges []jobs.Range) []client.ScheduleRange {
	var into []client.ScheduleRange
	for _, r := range ranges {
		into = append(into, client.ScheduleRange{Start: r.Start, End: r.End, Step: r.Step})
	}
	return into
}

// sameTimes reports whether two specs have the same times.
func sameTimes(a, b client.ScheduleSpec) bool {
	return slices.EqualFunc(a.Calendars, b.Calendars, sameCalendar) && slices.Equal(a.Intervals, b.Intervals) &&
		len(a.CronExpressions)+len(b.CronExpressions)+len(a.Skip)+len(b.Skip) == 0 &&
		a.StartAt.Equal(b.StartAt) && a.EndAt.Equal(b.EndAt) && a.Jitter == b.Jitter && a.TimeZoneName == b.TimeZoneName
}

func sameCalendar(a, b client.ScheduleCalendarSpec) bool {
	return slices.Equal(a.Second, b.Second) && slices.Equal(a.Minute, b.Minute) && slices.Equal(a.Hour, b.Hour) &&
		slices.Equal(a.DayOfMonth, b.DayOfMonth) && slices.Equal(a.Month, b.Month) && slices.Equal(a.Year, b.Year) &&
		slices.Equal(a.DayOfWeek, b.DayOfWeek) && a.Comment == b.Comment
}

// in formats a time in the schedule's zone, to the minute where that is all.
func (s *schedule) in(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	layout := "2006-01-02 15:04"
	if at.Second() != 0 {
		layout = time.DateTime
	}
	return at.In(s.spec.Schedule.Zone()).Format(layout)
}
