package worker

import (
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// TestSweepIsCurrent: a schedule of an older version, or with another interval,
// is brought up to date, and one that is as it should be is left alone.
func TestSweepIsCurrent(t *testing.T) {
	t.Parallel()
	installed := func() client.Schedule {
		spec := sweepSpec(DefaultSweepEvery)
		return client.Schedule{
			Spec: &spec, Action: sweepAction(), State: &client.ScheduleState{Paused: true},
			Policy: &client.SchedulePolicies{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: sweepCatchUp},
		}
	}
	if !sweepIsCurrent(installed(), DefaultSweepEvery) {
		t.Error("as installed, paused by hand: is to be changed")
	}
	for name, change := range map[string]func(*client.Schedule){
		"interval":   func(s *client.Schedule) { s.Spec.Intervals[0].Every = time.Hour },
		"calendar":   func(s *client.Schedule) { s.Spec.Calendars = []client.ScheduleCalendarSpec{{}} },
		"workflow":   func(s *client.Schedule) { s.Action.(*client.ScheduleWorkflowAction).Workflow = "Reap" },
		"task queue": func(s *client.Schedule) { s.Action.(*client.ScheduleWorkflowAction).TaskQueue = "other" },
		"overlap":    func(s *client.Schedule) { s.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL },
		"catch-up":   func(s *client.Schedule) { s.Policy.CatchupWindow = time.Hour },
		"pausing":    func(s *client.Schedule) { s.Policy.PauseOnFailure = true },
	} {
		changed := installed()
		change(&changed)
		if sweepIsCurrent(changed, DefaultSweepEvery) {
			t.Errorf("%s differs: is taken for current", name)
		}
	}
}
