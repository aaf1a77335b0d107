package activities

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
)

// How often a long activity heartbeats, which is also how soon it learns that it
// was cancelled: each second at first, since many are short and people watch, and
// later each five seconds or so. Temporal Cloud bills each heartbeat as an action,
// which makes them nearly all that an hour of a job costs there. Not so seldom,
// though, that a few which fail would use up the heartbeat timeout.
const (
	beatEvery  = time.Second
	beatOften  = 10 * time.Second // the age at which an attempt begins to beat rarely
	beatRarely = 4 * time.Second  // and up to half as much again, at random
)

// nextBeat is how long an attempt of this age waits until it beats again. What
// failed is tried again soon. Shards that began together are not to beat together,
// which would have their job's progress go by jerks.
func nextBeat(age time.Duration, failed bool) time.Duration {
	if failed || age < beatOften {
		return beatEvery
	}
	return beatRarely + rand.N(beatRarely/2)
}

// beating heartbeats what details returns until the returned stop is called,
// and goes on while a cancelled attempt finishes what it has begun.
func beating(ctx context.Context, details func() any) (stop func()) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	h := newHeart(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		for began := time.Now(); ; {
			err := h.beat(life, details())
			if !pause(life, nextBeat(time.Since(began), err != nil)) {
				return
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
// must take it for lost, the attempt's context ends with the SDK's reason. The
// error is that of the sending.
func (h *heart) beat(life context.Context, details any) error {
	ended, err := h.send(life, details)
	if err == nil {
		h.last = time.Now()
	}
	lost := err != nil && time.Since(h.last) >= h.patience
	if (ended || lost) && life.Err() == nil && h.ctx.Err() == nil {
		activity.RecordHeartbeat(h.ctx, details) // which hears the same, and cancels
	}
	return err
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
