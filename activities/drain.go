package activities

import (
	"context"
	"math"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/heartbeats"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/workflows"
)

// drainPoll is how often the rest of a job is looked at: each time is two calls
// to Temporal.
const drainPoll = 2 * time.Second

// drains reports whether replicas may be given back. Those of a shared endpoint
// are left to the provider's scaling: what one job does not need another may
// that asks in this moment.
func (t *tending) drains() bool { return t.call.Terms.CanScale && t.call.Endpoint.Share.IsZero() }

// drain gives replicas back that the rest of the job does not need: once all
// that is left is in flight, as many replicas are enough as it takes to hold it
// at the density that they have worked at.
func (t *tending) drain(ctx context.Context, now time.Time) {
	replicas := t.now.Meter.Replicas()
	if !t.drains() || replicas < 2 || now.Sub(t.drained) < drainPoll {
		return
	}
	t.drained = now
	rest, err := t.owners.rest(ctx, t.call.Owner)
	if err != nil {
		activity.GetLogger(ctx).Info("the rest of the job is not known; no replica is given back", "error", err)
		return
	}
	t.peak = max(t.peak, float64(rest.inFlight)/float64(replicas))
	needed := enough(rest, t.peak)
	if needed == 0 || needed >= replicas {
		return
	}
	if err := t.provider.Scale(ctx, t.call.ID, provider.Replicas{Min: needed, Max: needed}); err != nil {
		activity.GetLogger(ctx).Info("replicas not given back", "error", err)
		return
	}
	if t.now.Drained.IsZero() {
		t.now.Drained = now
	}
}

// enough is how many replicas hold what is left at so many requests for each;
// 0 as long as more is left than is in flight.
func enough(rest rest, each float64) int {
	if rest.requests == 0 || rest.requests > rest.inFlight || each == 0 {
		return 0
	}
	return int(math.Ceil(float64(rest.requests) / each))
}

// rest is what is left of a job.
type rest struct {
	requests int64 // without an answer yet
	inFlight int64
}

// rest asks a Batch how far it is, and its open shards' heartbeats how far they
// are. A shard that has just ended counts as left for a moment.
func (o *Owners) rest(ctx context.Context, workflowID string) (rest, error) {
	answer, err := o.Client.QueryWorkflow(ctx, workflowID, "", workflows.ProgressQuery)
	if err != nil {
		return rest{}, err
	}
	var progress workflows.Progress
	if err := answer.Get(&progress); err != nil {
		return rest{}, err
	}
	description, err := o.Client.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return rest{}, err
	}
	left := rest{requests: progress.Counts.Total - progress.Counts.Done()}
	for _, beat := range heartbeats.Shards(description) {
		left.requests -= beat.Completed + beat.Failed
		left.inFlight += int64(beat.InFlight)
	}
	return left, nil
}
