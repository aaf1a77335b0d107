package activities

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync/atomic"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// ReuseResults gives a job the answers that earlier jobs have for its requests,
// as parts of its own, so that its shards begin with them. An answer is reused
// for a request of the same custom_id, url and body; where several are, the
// first job's counts. The earlier jobs must have ended; nothing of theirs is
// changed. It reads the input once and the earlier answers twice, and its memory
// grows with neither. Running it again writes the same parts over. It
// heartbeats the number of lines read. Errors: InputChanged, NotFound,
// BucketDenied, DiskFull.
func (a *Planning) ReuseResults(ctx context.Context, call workflows.ReuseCall) (workflows.Reused, error) {
	var read atomic.Int64
	defer beating(ctx, func() any { return map[string]int64{"lines": read.Load()} })()
	planned, err := readPlan(ctx, a.Store, call.PlanURL)
	if err != nil {
		return workflows.Reused{}, sorted(err)
	}
	r := &reuse{
		Planning: a, call: call, plan: planned, work: workspaceOfPlan(call.PlanURL), read: &read,
		matcher: batchfile.NewMatcher(a.TempDir), shards: make([]reusedShard, planned.Shards),
	}
	reused, err := r.run(ctx)
	return reused, sortedEarly(errors.Join(err, r.matcher.Close()))
}

// reuse is one attempt at it.
type reuse struct {
	*Planning
	call    workflows.ReuseCall
	plan    plan
	work    workspace
	matcher *batchfile.Matcher
	shards  []reusedShard
	held    int // bytes in the shards' buffers
	read    *atomic.Int64
}

// reusedShard is what was found for one shard so far.
type reusedShard struct {
	first    int64 // index of its first request
	requests uint32
	answered uint32
	failed   uint32
	parts    uint32
	usage    jobs.Usage
	lines    []byte // not written yet
}

func (r *reuse) run(ctx context.Context) (workflows.Reused, error) {
	if err := r.noteRequests(ctx); err != nil {
		return workflows.Reused{}, err
	}
	err := r.eachAnswer(ctx, func(line, id []byte, sum uint64) error { return r.matcher.Result(id, sum) })
	if err != nil {
		return workflows.Reused{}, err
	}
	matched, err := r.matcher.Match(ctx)
	if err != nil || matched == 0 {
		return workflows.Reused{}, err
	}
	ordinal := int64(-1)
	err = r.eachAnswer(ctx, func(line, id []byte, sum uint64) error {
		ordinal++
		index, ok, err := r.matcher.Answers(ordinal, id, sum)
		if err != nil || !ok {
			return err
		}
		return r.take(ctx, index, line)
	})
	if err == nil {
		err = r.flushAll(ctx)
	}
	return r.result(matched), err
}

// noteRequests tells the matcher what is asked.
func (r *reuse) noteRequests(ctx context.Context) error {
	var scratch []byte
	for i := range r.shards {
		shard, err := readShard(ctx, r.Store, r.work, i)
		if err != nil {
			return err
		}
		r.shards[i].first, r.shards[i].requests = shard.FirstRequest, shard.Requests
		failed, err := r.failedOf(ctx, i, shard)
		if err != nil {
			return err
		}
		err = eachRequest(ctx, r.Store, r.plan, shard, func(request batchfile.Request, at int) error {
			r.read.Add(1)
			if failed[at] {
				return nil
			}
			sum := batchfile.RequestSum(request.URL, request.Body)
			return r.matcher.Request(request.DecodedID(scratch[:0]), sum, shard.FirstRequest+int64(at))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// failedOf tells which requests of a shard have error lines already: those that
// on_invalid: skip leaves out.
func (r *reuse) failedOf(ctx context.Context, index int, shard batchfile.Shard) ([]bool, error) {
	failed := make([]bool, shard.Requests)
	if r.plan.Invalid == 0 {
		return failed, nil
	}
	err := eachPartLine(ctx, r.Store, r.work.parts(index), func(line []byte, isError bool) error {
		request, err := batchfile.ResultIndex(line)
		at := request - shard.FirstRequest
		if err != nil || !isError || at < 0 || at >= int64(len(failed)) || failed[at] {
			return err
		}
		failed[at] = true
		r.shards[index].failed++
		return nil
	})
	return failed, err
}

// eachAnswer calls use for every answer of the earlier jobs, in the same order
// each time. Lines of parts that tell no sum cannot be compared and are left
// out.
func (r *reuse) eachAnswer(ctx context.Context, use func(line, id []byte, sum uint64) error) error {
	var scratch []byte
	for _, planURL := range r.call.Earlier {
		folder := bucket.Join(string(workspaceOfPlan(planURL)), "parts") + "/"
		err := eachPartLine(ctx, r.Store, folder, func(line []byte, failed bool) error {
			r.read.Add(1)
			sum, ok := batchfile.PartSum(line)
			if failed || !ok {
				return nil
			}
			id, err := batchfile.ResultID(line, scratch[:0])
			if err != nil {
				return err
			}
			return use(line, id, sum)
		})
		if err != nil {
			return fmt.Errorf("earlier answers: %w", err)
		}
	}
	return nil
}

// Answers are written when so much has gathered for a shard, or for all.
const (
	reusedPart = 4 << 20
	reusedHeld = 64 << 20
)

// take makes an earlier answer that of the request.
func (r *reuse) take(ctx context.Context, index int64, line []byte) error {
	_, _, usage, err := batchfile.ReadResult(line)
	if err != nil {
		return err
	}
	at := sort.Search(len(r.shards), func(i int) bool { return r.shards[i].first > index }) - 1
	shard := &r.shards[at]
	start := len(shard.lines)
	shard.lines = append(append(shard.lines, line...), '\n')
	if err := batchfile.Renumber(shard.lines[start:], r.call.Job, index); err != nil {
		return err
	}
	shard.answered++
	shard.usage.Add(jobs.Usage(usage))
	r.held += len(line) + 1
	switch {
	case r.held >= reusedHeld:
		return r.flushAll(ctx)
	case len(shard.lines) >= reusedPart:
		return r.flush(ctx, at)
	}
	return nil
}

func (r *reuse) flushAll(ctx context.Context) error {
	for at := range r.shards {
		if err := r.flush(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

func (r *reuse) flush(ctx context.Context, at int) error {
	shard := &r.shards[at]
	if len(shard.lines) == 0 {
		return nil
	}
	shard.parts++
	url := r.work.parts(at) + fmt.Sprintf("%s%06d%s", reusedPrefix, shard.parts, outputPart)
	if _, err := r.Store.Put(ctx, url, shard.lines, bucket.PutOptions{ContentType: "application/jsonl"}); err != nil {
		return fmt.Errorf("keep earlier answers: %w", err)
	}
	r.held -= len(shard.lines)
	shard.lines = nil
	return nil
}

// result says what is left to send.
func (r *reuse) result(matched int64) workflows.Reused {
	reused := workflows.Reused{Requests: matched}
	for at, shard := range r.shards {
		if shard.answered+shard.failed < shard.requests {
			continue
		}
		reused.Counts.Completed += int64(shard.answered)
		reused.Counts.Failed += int64(shard.failed)
		reused.Usage.Add(shard.usage)
		if last := len(reused.Answered) - 1; last >= 0 && reused.Answered[last].To == at {
			reused.Answered[last].To++
			continue
		}
		reused.Answered = append(reused.Answered, workflows.ShardRange{From: at, To: at + 1})
	}
	return reused
}
