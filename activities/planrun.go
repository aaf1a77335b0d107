package activities

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// A shard is a sixteenth of a small input and at most maxShardBytes or
// maxShardRequests of a large one: one to five minutes of work for an endpoint,
// and little enough to hold the record of.
const (
	shardsOfSmall    = 16
	minShardBytes    = 64 << 10
	maxShardBytes    = 16 << 20
	maxShardRequests = 10_000
)

// planOptions says how inputs are checked and cut.
func planOptions(call workflows.PlanCall, inputs []pinned) batchfile.PlanOptions {
	var size int64
	for _, input := range inputs {
		size += input.Size
	}
	return batchfile.PlanOptions{
		Rules: batchfile.Rules{
			AnyModel: call.Models == jobs.AnyModel, MaxLine: int(call.MaxLine), SkipInvalid: call.OnInvalid == jobs.SkipInvalid,
			URL: call.Expect.URL, Model: call.Expect.Model, Served: call.Expect.Served, MaxRequests: call.Expect.Requests,
		},
		ShardBytes: min(max(size/shardsOfSmall, minShardBytes), maxShardBytes), ShardRequests: maxShardRequests,
	}
}

// sources are the pinned inputs as they are read.
func (a *Planning) sources(inputs []pinned) []batchfile.Input {
	sources := make([]batchfile.Input, len(inputs))
	for i, input := range inputs {
		sources[i] = batchfile.Input{Name: input.URL, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return a.Store.Open(ctx, input.URL, bucket.ReadOptions{ETag: input.ETag})
		}}
	}
	return sources
}

// planRun is one attempt at planning.
type planRun struct {
	*Planning
	ctx     context.Context
	work    workspace
	call    workflows.PlanCall
	inputs  []pinned
	shards  *lateObject // one record a shard
	staged  *lateObject // text of compressed inputs
	invalid invalidLines
	repeats *repeats // once a repeated line is left out
	ends    []int64  // at most one more than are told
}

// newPlanRun begins an attempt; abort must be called.
func (a *Planning) newPlanRun(ctx context.Context, work workspace, call workflows.PlanCall, inputs []pinned) (*planRun, error) {
	run := &planRun{
		Planning: a, ctx: ctx, work: work, call: call, inputs: inputs,
		shards:  &lateObject{ctx: ctx, store: a.Store, url: work.shards()},
		staged:  &lateObject{ctx: ctx, store: a.Store, url: work.staged(strings.ToLower(rand.Text()[:8]))},
		invalid: invalidLines{store: a.Store, job: call.Job, work: work, kind: invalidPart},
	}
	return run, run.clear()
}

// clear removes error lines of an attempt that came to no plan: it may have
// read another version of the inputs.
func (r *planRun) clear() error {
	for object, err := range r.Store.List(r.ctx, r.work.allParts()) {
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
		if !isInvalidPart(object.URL) {
			continue
		}
		if err := r.Store.Delete(r.ctx, object.URL); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return nil
}

// scan validates the inputs and writes all but plan.json.
func (r *planRun) scan(progress func(bytes, requests int64)) (batchfile.Plan, error) {
	options := planOptions(r.call, r.inputs)
	options.SpillDir, options.Progress, options.Stage = r.TempDir, progress, r.staged
	if options.SkipInvalid {
		options.Skipped, options.Repeated = r.skip, r.repeat
	}
	var record []byte
	found, err := batchfile.MakePlan(r.ctx, r.sources(r.inputs), options, func(shard batchfile.Shard) error {
		record = batchfile.AppendShard(record[:0], shard)
		if len(r.ends) <= workflows.MaxEnds {
			r.ends = append(r.ends, shard.FirstRequest+int64(shard.Requests))
		}
		_, err := r.shards.Write(record)
		return err
	})
	if err != nil || !found.Runs() {
		return found, err
	}
	if err := r.commit(); err != nil {
		return found, err
	}
	if r.repeats != nil {
		return found, r.repeats.close()
	}
	return found, nil
}

// told are the ends of the shards, unless there are too many of them.
func (r *planRun) told() []int64 {
	if len(r.ends) > workflows.MaxEnds {
		return nil
	}
	return r.ends
}

// commit makes shards and staged text visible; it may be called again.
func (r *planRun) commit() error {
	if err := r.invalid.flush(r.ctx); err != nil {
		return err
	}
	for _, object := range []*lateObject{r.staged, r.shards} {
		if err := object.commit(); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return nil
}

func (r *planRun) abort() {
	r.shards.abort()
	r.staged.abort()
}

// lateObject is an object that comes into being with its first byte.
type lateObject struct {
	ctx    context.Context
	store  *bucket.Store
	url    string
	writer *bucket.Writer
	object bucket.Object // once it is committed
}

func (o *lateObject) Write(p []byte) (int, error) {
	if o.writer == nil {
		writer, err := o.store.Create(o.ctx, o.url, "application/octet-stream")
		if err != nil {
			return 0, fmt.Errorf("output: %w", err)
		}
		o.writer = writer
	}
	return o.writer.Write(p)
}

// commit makes the object visible, if there is one, once.
func (o *lateObject) commit() (err error) {
	if o.writer != nil && o.object.URL == "" {
		o.object, err = o.writer.Commit(o.ctx)
	}
	return err
}

func (o *lateObject) abort() {
	if o.writer != nil {
		_ = o.writer.Abort()
	}
}

// pinned describes the committed object; nil if there is none.
func (o *lateObject) pinned() *pinned {
	if o.object.URL == "" {
		return nil
	}
	return &pinned{URL: o.object.URL, Size: o.object.Size, ETag: o.object.ETag}
}
