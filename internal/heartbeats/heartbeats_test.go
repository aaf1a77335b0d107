package heartbeats_test

import (
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

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
	handedOver := open(workflows.RunShard, 2, "the worker is shutting down")
	handedOver.LastFailure.FailureInfo = &failurepb.Failure_ApplicationFailureInfo{
		ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{Category: enumspb.APPLICATION_ERROR_CATEGORY_BENIGN},
	}
	goingOn := proto.Clone(handedOver).(*workflowpb.PendingActivityInfo)
	goingOn.State = enumspb.PENDING_ACTIVITY_STATE_STARTED
	for name, c := range map[string]struct {
		open []*workflowpb.PendingActivityInfo
		want string
	}{
		"nothing open":  {nil, ""},
		"first try":     {[]*workflowpb.PendingActivityInfo{open(workflows.PlanInput, 1, "")}, ""},
		"owner watched": {[]*workflowpb.PendingActivityInfo{open(workflows.WatchOwner, 90, "open")}, ""},
		"handed over":   {[]*workflowpb.PendingActivityInfo{handedOver}, "RunShard, try 2 after: the worker is shutting down"},
		"taken over":    {[]*workflowpb.PendingActivityInfo{goingOn}, ""},
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
