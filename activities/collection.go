package activities

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/stats"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// collection is one attempt at assembling the results.
type collection struct {
	*Results
	call    workflows.CollectCall
	plan    plan
	work    workspace
	output  *resultFiles
	errors  *resultFiles
	counts  jobs.Counts
	usage   jobs.Usage
	faults  stats.Faults
	written *atomic.Int64
	memory  chan []byte // of spools that are done, for those to come
}

func newCollection(a *Results, call workflows.CollectCall, planned plan, written *atomic.Int64) *collection {
	return &collection{
		Results: a, call: call, plan: planned, work: workspaceOfPlan(call.PlanURL), written: written,
		output: &resultFiles{store: a.Store, output: call.Output, kind: "output", format: call.Results},
		errors: &resultFiles{store: a.Store, output: call.Output, kind: "errors", format: call.Results},
		memory: make(chan []byte, shardsAhead),
	}
}

// addShards appends every shard's lines in order.
func (c *collection) addShards(ctx context.Context) (err error) {
	loading, stop := context.WithCancel(ctx)
	defer stop()
	for next := range c.loadAhead(loading) {
		shard := <-next
		if err == nil {
			err = shard.err
		}
		if err == nil {
			err = shard.spool.each(func(line []byte, failed, ran bool) error { return c.addLine(ctx, line, failed, ran) })
		}
		if shard.spool != nil {
			shard.spool.close()
			c.recycle(shard.spool.memory)
		}
		if err != nil {
			stop() // what was loaded ahead must still be closed
		}
	}
	return errors.Join(err, ctx.Err())
}

// loaded is a shard's results, or why they could not be read.
type loaded struct {
	spool *spool
	err   error
}

// shardsAhead is how many shards are loaded while one is written.
const shardsAhead = 2

// loadAhead loads shards until ctx ends, a few at a time, and delivers them in
// order.
func (c *collection) loadAhead(ctx context.Context) <-chan chan loaded {
	shards := make(chan chan loaded, shardsAhead-1)
	go func() {
		defer close(shards)
		for index := range c.plan.Shards {
			next := make(chan loaded, 1)
			select {
			case shards <- next:
			case <-ctx.Done():
				return
			}
			go func() {
				spool, err := c.loadShard(ctx, index)
				if err != nil {
					err = fmt.Errorf("collect shard %d: %w", index, err)
				}
				next <- loaded{spool, err}
			}()
		}
	}()
	return shards
}

// recycle keeps a spool's memory for the next; recycled returns some, or nil.
func (c *collection) recycle(memory []byte) {
	select {
	case c.memory <- memory:
	default:
	}
}

func (c *collection) recycled() []byte {
	select {
	case memory := <-c.memory:
		return memory
	default:
		return nil
	}
}

// loadShard reads one shard's lines. Parts come in the order in which requests
// finished; a spool brings them into input order with bounded memory.
func (c *collection) loadShard(ctx context.Context, index int) (*spool, error) {
	shard, err := readShard(ctx, c.Store, c.work, index)
	if err != nil {
		return nil, err
	}
	spool := newSpool(shard, c.TempDir, c.recycled())
	err = eachPartLine(ctx, c.Store, c.work.parts(index), spool.add)
	if err == nil && spool.missing() > 0 {
		err = c.explainMissing(ctx, shard, spool)
	}
	if err != nil {
		spool.close()
		return nil, err
	}
	return spool, nil
}

func (c *collection) addLine(ctx context.Context, line []byte, failed, ran bool) error {
	c.written.Add(1)
	if !failed {
		_, _, usage, err := batchfile.ReadResult(line)
		if err != nil {
			return err
		}
		c.usage.Add(jobs.Usage(usage))
		c.counts.Completed++
		return c.output.write(ctx, line)
	}
	failure, err := batchfile.ReadFailure(line)
	if err != nil {
		return err
	}
	c.faults.Add(failure.Class, failure.Name)
	if ran {
		c.counts.Failed++
	} else {
		c.counts.NeverRan++
	}
	return c.errors.write(ctx, line)
}

// missingText explains the codes of lines that never ran.
var missingText = map[string]string{
	batchfile.CodeBatchCancelled: "the job was cancelled before this request was sent",
	batchfile.CodeBatchExpired:   "the job reached its limit before this request was sent",
	batchfile.CodeBatchFailed:    "the job failed before this request was sent; its report says why",
}

// explainMissing adds an error line for each request that has no result; their
// custom ids are read from the input.
func (c *collection) explainMissing(ctx context.Context, shard batchfile.Shard, spool *spool) error {
	if c.call.Missing == "" {
		return final(jobs.Internal, fmt.Sprintf("%d requests of a completed job have no result", spool.missing()))
	}
	why := batchfile.ResultError{Code: c.call.Missing, Message: missingText[c.call.Missing]}
	err := eachRequest(ctx, c.Store, c.plan, shard, func(request batchfile.Request, at int) error {
		return spool.explain(c.call.Job, at, request.CustomID, why)
	})
	if !errors.Is(err, bucket.ErrChanged) && !errors.Is(err, bucket.ErrNotFound) {
		return err
	}
	return c.explainWithoutInput(shard, spool, why)
}

// explainWithoutInput adds the error lines of requests whose input is no longer
// what was planned: what was paid for is not held back because the custom_ids
// of the rest are gone.
func (c *collection) explainWithoutInput(shard batchfile.Shard, spool *spool, why batchfile.ResultError) error {
	why.Message = fmt.Sprintf("%s; its custom_id is not known, since %s has changed", why.Message, c.plan.Inputs[shard.File].URL)
	for at := range int(shard.Requests) {
		if err := spool.explain(c.call.Job, at, nil, why); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) abort() {
	c.output.abort()
	c.errors.abort()
}
