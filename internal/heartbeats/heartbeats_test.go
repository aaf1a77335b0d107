package heartbeats_test

import (
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/nightshift-run/nightshift/internal/heartbeats"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestRetried_TellsOfTheMostTried(t *testing.T) {
	t.Parallel()
	open := func(name string, attempt int32, failure string) *workflowpb.PendingActivityInfo {
		return &workflowpb.PendingActivityInfo{
			ActivityType: &commonpb.ActivityType{Name: name}, Attempt: attempt, LastFailure: &failurepb.Failure{Message: failure},
		}
	}
	for name, c := range map[string]struct {
		open []*workflowpb.PendingActivityInfo
		want string
	}{
		"nothing open":  {nil, ""},
		"first try":     {[]*workflowpb.PendingActivityInfo{open(workflows.PlanInput, 1, "")}, ""},
		"owner watched": {[]*workflowpb.PendingActivityInfo{open(workflows.WatchOwner, 90, "open")}, ""},
		"two": {
			[]*workflowpb.PendingActivityInfo{open(workflows.PlanInput, 2, "HTTP 503"), open(workflows.CheckEndpoint, 5, "HTTP 500")},
			"CheckEndpoint, try 5 after: HTTP 500",
		},
	} {
		got := heartbeats.Retried(&workflowservice.DescribeWorkflowExecutionResponse{PendingActivities: c.open})
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
