package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Planning checks inputs and cuts them into shards.
type Planning struct {
	Store   *bucket.Store
	TempDir string // for duplicate detection beyond what fits in memory; empty means the system's
}

// A shard is a thirty-second of a small input and at most maxShardBytes or
// maxShardRequests of a large one: one to five minutes of work for an endpoint,
// and little enough to hold the record of.
const (
	shardsOfSmall    = 32
	minShardBytes    = 64 << 10
	maxShardBytes    = 16 << 20
	maxShardRequests = 10_000
)

// plan is the file plan.json.
type plan struct {
	Version  int      `json:"version"`
	Job      string   `json:"job"`
	URL      string   `json:"url"` // of every request, such as /v1/chat/completions
	Requests int64    `json:"requests"`
	Bytes    int64    `json:"bytes"`
	Shards   int      `json:"shards"`
	Inputs   []pinned `json:"inputs"`
}

// pinned is an input object as it was when it was planned.
type pinned struct {
	URL   string `json:"url"`
	Size  int64  `json:"size"`
	ETag  string `json:"etag"`
	Lines int64  `json:"lines"`
}

const planVersion = 1

// PlanInput reads the input once, checks every line, and writes the plan into
// the bucket; its memory does not grow with the input. Running it again writes
// the same plan over. It heartbeats the number of bytes read. Errors:
// InvalidInput with the problems, NotFound, BucketDenied, InputChanged.
func (a *Planning) PlanInput(ctx context.Context, call workflows.PlanCall) (workflows.Plan, error) {
	var read atomic.Int64
	defer beating(ctx, func() any { return map[string]int64{"bytes": read.Load()} })()

	work := workspaceOf(call.Output, call.Job)
	inputs, err := a.pin(ctx, call.Input)
	if err != nil {
		return workflows.Plan{}, sorted(err)
	}
	found, err := a.scan(ctx, work, inputs, func(bytes, _ int64) { read.Store(bytes) })
	if err != nil {
		return workflows.Plan{}, sorted(err)
	}
	if found.ProblemCount > 0 {
		return workflows.Plan{}, a.refuse(ctx, work, found)
	}
	for i, file := range found.Files {
		inputs[i].Lines = file.Lines
	}
	written := plan{
		Version: planVersion, Job: call.Job, URL: found.URL, Requests: found.Requests,
		Bytes: found.Bytes, Shards: int(found.Shards), Inputs: inputs,
	}
	if err := putJSON(ctx, a.Store, work.plan(), written); err != nil {
		return workflows.Plan{}, sorted(err)
	}
	return workflows.Plan{URL: work.plan(), Requests: found.Requests, Bytes: found.Bytes, Shards: written.Shards}, nil
}

// pin notes each input's version, which every later read must match.
func (a *Planning) pin(ctx context.Context, urls jobs.URLs) ([]pinned, error) {
	inputs := make([]pinned, len(urls))
	for i, url := range urls {
		object, err := a.Store.Stat(ctx, url)
		if err != nil {
			return nil, fmt.Errorf("input: %w", err)
		}
		inputs[i] = pinned{URL: url, Size: object.Size, ETag: object.ETag}
	}
	return inputs, nil
}

// scan validates the inputs and writes the shards as they are found.
func (a *Planning) scan(ctx context.Context, work workspace, inputs []pinned, progress func(bytes, requests int64)) (batchfile.Plan, error) {
	shards, err := a.Store.Create(ctx, work.shards(), "application/octet-stream")
	if err != nil {
		return batchfile.Plan{}, fmt.Errorf("output: %w", err)
	}
	defer shards.Abort()
	var size int64
	sources := make([]batchfile.Input, len(inputs))
	for i, input := range inputs {
		size += input.Size
		sources[i] = batchfile.Input{Name: input.URL, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return a.Store.Open(ctx, input.URL, bucket.ReadOptions{ETag: input.ETag})
		}}
	}
	options := batchfile.PlanOptions{
		ShardBytes: min(max(size/shardsOfSmall, minShardBytes), maxShardBytes), ShardRequests: maxShardRequests,
		SpillDir: a.TempDir, Progress: progress,
	}
	var record []byte
	found, err := batchfile.MakePlan(ctx, sources, options, func(shard batchfile.Shard) error {
		record = batchfile.AppendShard(record[:0], shard)
		_, err := shards.Write(record)
		return err
	})
	if err != nil || found.ProblemCount > 0 {
		return found, err
	}
	if _, err := shards.Commit(ctx); err != nil {
		return found, fmt.Errorf("output: %w", err)
	}
	return found, nil
}

// shownProblems is how many problems an error names; the rest are in the
// bucket.
const shownProblems = 25

// refuse makes the error for a bad input and puts the whole list of problems
// into the bucket.
func (a *Planning) refuse(ctx context.Context, work workspace, found batchfile.Plan) error {
	var all, shown strings.Builder
	encoder := json.NewEncoder(&all)
	for i, problem := range found.Problems {
		if err := encoder.Encode(problem); err != nil {
			return sorted(err)
		}
		if i < shownProblems {
			fmt.Fprintf(&shown, "\n%s:%d: %s: %s", problem.File, problem.Line, problem.Code, problem.Message)
		}
	}
	if _, err := a.Store.Put(ctx, work.problems(), []byte(all.String()), bucket.PutOptions{ContentType: "application/jsonl"}); err != nil {
		return sorted(fmt.Errorf("output: %w", err))
	}
	if hidden := found.ProblemCount - min(shownProblems, int64(len(found.Problems))); hidden > 0 {
		fmt.Fprintf(&shown, "\nand %d more; the first %d are in %s", hidden, len(found.Problems), work.problems())
	}
	return final(jobs.InvalidInput, fmt.Sprintf("the input has %d problems, nothing was rented:%s", found.ProblemCount, shown.String()))
}

func putJSON(ctx context.Context, store *bucket.Store, url string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", url, err)
	}
	_, err = store.Put(ctx, url, append(text, '\n'), bucket.PutOptions{ContentType: "application/json"})
	return err
}

// readPlan loads plan.json.
func readPlan(ctx context.Context, store *bucket.Store, url string) (plan, error) {
	reader, err := store.Open(ctx, url, bucket.ReadOptions{})
	if err != nil {
		return plan{}, fmt.Errorf("plan: %w", err)
	}
	defer reader.Close()
	var p plan
	if err := json.NewDecoder(reader).Decode(&p); err != nil {
		return plan{}, fmt.Errorf("decode %s: %w", url, err)
	}
	if p.Version != planVersion {
		return plan{}, final(jobs.Internal, fmt.Sprintf("%s has version %d, this worker knows %d", url, p.Version, planVersion))
	}
	return p, nil
}

// readShard loads one shard's record: one small ranged read.
func readShard(ctx context.Context, store *bucket.Store, work workspace, index int) (batchfile.Shard, error) {
	reader, err := store.Open(ctx, work.shards(), bucket.ReadOptions{Offset: int64(index) * batchfile.ShardSize, Length: batchfile.ShardSize})
	if err != nil {
		return batchfile.Shard{}, fmt.Errorf("shard %d: %w", index, err)
	}
	defer reader.Close()
	record := make([]byte, batchfile.ShardSize)
	if _, err := io.ReadFull(reader, record); err != nil {
		return batchfile.Shard{}, fmt.Errorf("read shard %d of %s: %w", index, work.shards(), err)
	}
	return batchfile.DecodeShard(record)
}

// eachRequest calls use for every request of a shard, in input order, with its
// place in the shard. The request's memory is reused for the next. An input
// that is no longer the one that was planned is bucket.ErrChanged.
func eachRequest(ctx context.Context, store *bucket.Store, p plan, shard batchfile.Shard, use func(request batchfile.Request, at int) error) error {
	input := p.Inputs[shard.File]
	reader, err := store.Open(ctx, input.URL, bucket.ReadOptions{Offset: shard.Offset, Length: shard.Length, ETag: input.ETag})
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	defer reader.Close()
	scanner := batchfile.NewScanner(reader, 0)
	scanner.StartAt(shard.FirstLine)
	at := 0
	for ; scanner.Scan(); at++ {
		request, problems := batchfile.Parse(scanner.Bytes())
		if len(problems) > 0 || at >= int(shard.Requests) {
			return fmt.Errorf("line %d of %s is not as it was planned: %w", scanner.Line(), input.URL, bucket.ErrChanged)
		}
		if err := use(request, at); err != nil {
			return err
		}
	}
	if scanner.Err() == nil && at < int(shard.Requests) {
		return fmt.Errorf("%s ends after %d of the shard's %d requests: %w", input.URL, at, shard.Requests, bucket.ErrChanged)
	}
	return scanner.Err()
}
