// Package heartbeats reads what the open activities of a workflow have
// heartbeat last: how far shards are that the workflow itself knows only as
// open, what the provider says of an endpoint at this moment, and what is tried
// again and why.
package heartbeats

import (
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/nightshift-run/nightshift/workflows"
)

// Shards returns the heartbeats of a Batch's open shards. A shard that has not
// beaten yet is left out.
func Shards(batch *workflowservice.DescribeWorkflowExecutionResponse) []workflows.ShardBeat {
	return read[workflows.ShardBeat](batch, workflows.RunShard, workflows.RunShardAsBatch)
}

// Endpoint returns the heartbeat of an Endpoint's open activity, if there is
// one.
func Endpoint(endpoint *workflowservice.DescribeWorkflowExecutionResponse) (workflows.EndpointBeat, bool) {
	beats := read[workflows.EndpointBeat](endpoint, workflows.ReleaseEndpoint, workflows.TendEndpoint, workflows.AwaitEndpoint)
	if len(beats) == 0 {
		return workflows.EndpointBeat{}, false
	}
	return beats[0], true
}

// Retried says which open activity has been tried most often, how often, and
// why it was tried again; empty while each is at its first attempt. The watches
// over jobs and Endpoints are left out: they are tried again for as long as those
// are open. So is what goes on after it was handed over, which was no failure.
func Retried(description *workflowservice.DescribeWorkflowExecutionResponse) string {
	text, most := "", int32(1)
	for _, open := range description.GetPendingActivities() {
		name := open.GetActivityType().GetName()
		if open.GetState() == enumspb.PENDING_ACTIVITY_STATE_STARTED && benign(open.GetLastFailure()) {
			continue
		}
		if tries := open.GetAttempt(); tries > most && name != workflows.WatchOwner && name != workflows.WatchEndpoint && open.GetLastFailure() != nil {
			text, most = fmt.Sprintf("%s, try %d after: %s", name, tries, oneLine(open.GetLastFailure().GetMessage())), tries
		}
	}
	return text
}

func benign(failure *failurepb.Failure) bool {
	return failure.GetApplicationFailureInfo().GetCategory() == enumspb.APPLICATION_ERROR_CATEGORY_BENIGN
}

// oneLine puts the lines of joined errors behind one another.
func oneLine(message string) string { return strings.ReplaceAll(message, "\n", "; ") }

// read returns the heartbeats of open activities of the types given, in the
// order of these types.
func read[T any](description *workflowservice.DescribeWorkflowExecutionResponse, types ...string) []T {
	var beats []T
	for _, name := range types {
		for _, open := range description.GetPendingActivities() {
			if beat, ok := decode[T](open); ok && open.GetActivityType().GetName() == name {
				beats = append(beats, beat)
			}
		}
	}
	return beats
}

func decode[T any](open *workflowpb.PendingActivityInfo) (T, bool) {
	var beat T
	details := open.GetHeartbeatDetails()
	if details == nil {
		return beat, false
	}
	err := converter.GetDefaultDataConverter().FromPayloads(details, &beat)
	return beat, err == nil
}
