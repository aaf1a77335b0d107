package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// beatEvery is how often a long activity heartbeats; it is also how soon it
// learns that it was cancelled.
const beatEvery = time.Second

// beating heartbeats what details returns until the returned stop is called,
// and goes on while a cancelled attempt finishes what it has begun.
func beating(ctx context.Context, details func() any) (stop func()) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	h := newHeart(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		ticker := time.NewTicker(beatEvery)
		defer ticker.Stop()
		for {
			h.beat(life, details())
			select {
			case <-life.Done():
				return
			case <-ticker.C:
			}
		}
	})
	return func() {
		end()
		wait.Wait()
	}
}

// heart sends the heartbeats of one attempt.
//
// The SDK's own would cancel the attempt as soon as one fails, and give each no
// longer than it lets pass between two, which is a second here, for the sake of
// cancellations: a Temporal that is slow or away for a moment would end every
// shard of every worker. The attempt is not lost before the heartbeat timeout,
// so until then a heartbeat that fails is only followed by the next.
type heart struct {
	ctx       context.Context // of the attempt
	service   workflowservice.WorkflowServiceClient
	token     []byte
	namespace string
	patience  time.Duration
	last      time.Time // when Temporal last took one, or the attempt began
}

// heartless is the heartbeat timeout of an activity that has none.
const heartless = 30 * time.Second

func newHeart(ctx context.Context) *heart {
	info := activity.GetInfo(ctx)
	h := &heart{
		ctx: ctx, service: activity.GetClient(ctx).WorkflowService(),
		token: info.TaskToken, namespace: info.Namespace, patience: info.HeartbeatTimeout, last: time.Now(),
	}
	if h.patience == 0 {
		h.patience = heartless
	}
	return h
}

// beat sends one. When Temporal says that the attempt is to end, or is over, or
// must take it for lost, the attempt's context ends with the SDK's reason.
func (h *heart) beat(life context.Context, details any) {
	ended, err := h.send(life, details)
	if err == nil {
		h.last = time.Now()
	}
	lost := err != nil && time.Since(h.last) >= h.patience
	if (ended || lost) && life.Err() == nil && h.ctx.Err() == nil {
		activity.RecordHeartbeat(h.ctx, details) // which hears the same, and cancels
	}
}

// send reports whether Temporal answers that the attempt is to end, or is over.
func (h *heart) send(life context.Context, details any) (ended bool, err error) {
	encoded, err := converter.GetDefaultDataConverter().ToPayloads(details)
	if err != nil {
		return false, err
	}
	sending, cancel := context.WithTimeout(life, h.patience)
	defer cancel()
	answer, err := h.service.RecordActivityTaskHeartbeat(sending, &workflowservice.RecordActivityTaskHeartbeatRequest{
		Namespace: h.namespace, TaskToken: h.token, Details: encoded,
	})
	switch err.(type) {
	case nil:
		return answer.GetCancelRequested() || answer.GetActivityPaused() || answer.GetActivityReset(), nil
	case *serviceerror.NotFound, *serviceerror.NamespaceNotFound, *serviceerror.NamespaceNotActive:
		return true, err
	}
	return false, err
}

// pause waits for d and reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
