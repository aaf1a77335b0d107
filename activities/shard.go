package activities

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/workflows"
)

// openShard is one attempt's hold on a shard: its requests, and the results
// that there are so far.
type openShard struct {
	store *bucket.Store
	call  workflows.ShardCall
	work  workspace
	plan  plan
	shard batchfile.Shard
	parts *partWriter
	done  []bool // by request of the shard: has a result
	open  *telemetry.Shard
}

// newOpenShard reads the shard's record and what earlier attempts flushed, and
// begins to write parts; parts.close must be called. broken is as for
// newPartWriter.
func newOpenShard(ctx context.Context, store *bucket.Store, metrics *telemetry.Metrics, call workflows.ShardCall, broken func(error)) (*openShard, error) {
	work := workspaceOfPlan(call.PlanURL)
	planned, err := readPlan(ctx, store, call.PlanURL)
	if err != nil {
		return nil, err
	}
	shard, err := readShard(ctx, store, work, call.Shard)
	if err != nil {
		return nil, err
	}
	s := &openShard{store: store, call: call, work: work, plan: planned, shard: shard, done: make([]bool, shard.Requests)}
	s.parts = newPartWriter(ctx, store, call.Job, work.parts(call.Shard), activity.GetInfo(ctx).Attempt, newMeasuring(ctx, store, work, call.Shard), broken)
	if err := s.resume(ctx); err != nil {
		return nil, errors.Join(err, s.parts.close())
	}
	s.parts.metrics = metrics.Target(call.Address.Provider, call.Model)
	s.open = metrics.OpenShard(call.Address.Provider, call.Model, int(shard.Requests), func() int64 {
		completed, failed, _ := s.parts.counts()
		return completed + failed
	})
	return s, nil
}

// count says how the attempt ended.
func (s *openShard) count(err error) {
	switch {
	case err == nil:
		s.open.Close("done")
	case errors.Is(err, context.Canceled) || temporal.IsCanceledError(err):
		s.open.Close("cancelled")
	case isWaiting(err):
		s.open.Close("handed_over")
	default:
		s.open.Close("failed")
	}
}

// resume reads what other attempts flushed.
func (s *openShard) resume(ctx context.Context) error {
	return eachPartLine(ctx, s.store, s.work.parts(s.call.Shard), func(line []byte, _ bool) error {
		index, failed, usage, err := batchfile.ReadResult(line)
		if err != nil {
			return err
		}
		at, ok := s.place(index)
		if !ok {
			return fmt.Errorf("request %d is not of shard %d", index, s.call.Shard)
		}
		if !s.done[at] {
			s.done[at] = true
			s.parts.count(failed, usage)
		}
		return nil
	})
}

// place is where in the shard the request of an index is.
func (s *openShard) place(index int64) (at int, ok bool) {
	offset := index - s.shard.FirstRequest
	return int(offset), offset >= 0 && offset < int64(len(s.done))
}

// pending counts the requests without a result.
func (s *openShard) pending() (n int64) {
	for _, done := range s.done {
		if !done {
			n++
		}
	}
	return n
}

// eachLine calls take for every request without a result, in input order.
func (s *openShard) eachLine(ctx context.Context, take func(batchfile.Request, int64) error) error {
	return eachRequest(ctx, s.store, s.plan, s.shard, func(request batchfile.Request, at int) error {
		if s.done[at] {
			return nil
		}
		return take(request, s.shard.FirstRequest+int64(at))
	})
}

// stopWithWorker calls stop when the worker is told to shut down, until the
// returned function is called.
func stopWithWorker(ctx context.Context, stop func(error)) (unwatch func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			stop(errStopping)
		case <-done:
		}
	}()
	return func() { close(done) }
}
