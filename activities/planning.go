package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// PlanInput finds the objects that the input names, reads them once, checks
// every line, and writes the plan into the bucket; its memory does not grow
// with the input. The text of compressed inputs goes into the bucket too, and
// so do the error lines of what on_invalid: skip leaves out. Once there is a
// plan, running it again returns that plan; before, it starts anew. It
// heartbeats the number of bytes read. Errors: InvalidInput with the problems,
// NoInput, NotFound, BucketDenied, DiskFull, InputChanged.
//
// An input whose digest the call knows already is not read: the result says no
// more than that it is unchanged.
func (a *Planning) PlanInput(ctx context.Context, call workflows.PlanCall) (workflows.Plan, error) {
	var read atomic.Int64
	defer beating(ctx, func() any { return map[string]int64{"bytes": read.Load()} })()

	work := workspaceOf(call.Output, call.Job)
	written, err := a.planned(ctx, work, call)
	if err == nil && written == nil {
		written, err = a.makePlan(ctx, work, call, func(bytes, _ int64) { read.Store(bytes) })
	}
	if err != nil {
		return workflows.Plan{}, sortedEarly(err)
	}
	digest := digestOf(written.Inputs)
	if digest == call.Unless {
		return workflows.Plan{Digest: digest, Unchanged: true}, nil
	}
	return workflows.Plan{
		URL: work.plan(), Requests: written.Requests, Bytes: written.Bytes, Shards: written.Shards, Ends: written.Ends, Invalid: written.Invalid, Digest: digest,
	}, nil
}

// planned returns the plan that an earlier attempt has finished, if there is
// one: results may lie beside it, which are of its requests and no others.
func (a *Planning) planned(ctx context.Context, work workspace, call workflows.PlanCall) (*plan, error) {
	found, err := readPlan(ctx, a.Store, work.plan())
	switch {
	case errors.Is(err, bucket.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case found.Job != call.Job || !slices.Equal(found.Source, call.Input):
		return nil, nil
	}
	return &found, nil
}

// makePlan writes the plan. Of an input that is unchanged it only notes the
// objects, and writes nothing.
func (a *Planning) makePlan(ctx context.Context, work workspace, call workflows.PlanCall, progress func(bytes, requests int64)) (*plan, error) {
	inputs, err := a.pin(ctx, call.Input, call.Output)
	if err != nil {
		return nil, err
	}
	if digestOf(inputs) == call.Unless {
		return &plan{Inputs: inputs}, nil
	}
	run, err := a.newPlanRun(ctx, work, call, inputs)
	if err != nil {
		return nil, err
	}
	defer run.abort()
	found, err := run.scan(progress)
	if err != nil {
		return nil, err
	}
	if !found.Runs() {
		return nil, cmp.Or(run.clear(), a.refuse(ctx, work, found))
	}
	written := &plan{
		Job: call.Job, Source: call.Input, URL: found.URL, Requests: found.Requests, Invalid: found.Skipped,
		Bytes: found.Bytes, Shards: int(found.Shards), Ends: run.told(), Inputs: inputs, Staged: run.staged.pinned(), MaxLine: int(call.MaxLine),
	}
	written.Version = written.version()
	for i, file := range found.Files {
		inputs[i].Lines, inputs[i].Compression = file.Lines, file.Compression
	}
	if found.ProblemCount > 0 {
		if err := a.tellProblems(ctx, work, found); err != nil {
			return nil, err
		}
	}
	return written, putJSON(ctx, a.Store, work.plan(), written)
}

// Inspect checks an input as PlanInput does, and writes nothing. valid is
// called for every line that has no problem of its own. Problems are in the
// plan; errors are those of PlanInput but InvalidInput for a line.
func (a *Planning) Inspect(ctx context.Context, call workflows.PlanCall, valid func(batchfile.Request), progress func(bytes, requests int64)) (batchfile.Plan, error) {
	inputs, err := a.pin(ctx, call.Input, call.Output)
	if err != nil {
		return batchfile.Plan{}, sorted(err)
	}
	options := planOptions(call, inputs)
	options.SpillDir, options.Valid, options.Progress = a.TempDir, valid, progress
	found, err := batchfile.MakePlan(ctx, a.sources(inputs), options, func(batchfile.Shard) error { return nil })
	return found, sorted(err)
}

// shownProblems is how many problems an error names; the rest are in the
// bucket.
const shownProblems = 25

// refuse makes the error for a bad input and puts the whole list of problems
// into the bucket.
func (a *Planning) refuse(ctx context.Context, work workspace, found batchfile.Plan) error {
	if err := a.tellProblems(ctx, work, found); err != nil {
		return err
	}
	var shown strings.Builder
	for _, problem := range found.Problems[:min(shownProblems, len(found.Problems))] {
		fmt.Fprintf(&shown, "\n%s%s: %s", problem.Place(), problem.Code, problem.Message)
	}
	if hidden := found.ProblemCount - min(shownProblems, int64(len(found.Problems))); hidden > 0 {
		fmt.Fprintf(&shown, "\nand %d more; the first %d are in %s", hidden, len(found.Problems), work.problems())
	}
	return final(jobs.InvalidInput, fmt.Sprintf("the input has %s, nothing was rented:%s", problems(found.ProblemCount), shown.String()))
}

func problems(n int64) string {
	if n == 1 {
		return "a problem"
	}
	return fmt.Sprintf("%d problems", n)
}

// tellProblems writes problems.jsonl.
func (a *Planning) tellProblems(ctx context.Context, work workspace, found batchfile.Plan) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	for _, problem := range found.Problems {
		if err := encoder.Encode(problem); err != nil {
			return fmt.Errorf("encode %s: %w", work.problems(), err)
		}
	}
	if _, err := a.Store.Put(ctx, work.problems(), []byte(text.String()), bucket.PutOptions{ContentType: "application/jsonl"}); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

func putJSON(ctx context.Context, store *bucket.Store, url string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", url, err)
	}
	_, err = store.Put(ctx, url, append(text, '\n'), bucket.PutOptions{ContentType: "application/json"})
	return err
}
