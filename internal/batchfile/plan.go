package batchfile

import (
	"context"
	"errors"
	"io"
)

// Input is one file of a batch.
type Input struct {
	Name string // for problems and errors: a path or URL
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Rules are what the lines of a batch must agree on.
type Rules struct {
	URL         string // of every line; empty means that of the first
	AnyModel    bool   // lines may name different models
	MaxRequests int64  // 0 means no limit
}

// PlanOptions says what to accept and how to cut it. Zero values mean the
// defaults.
type PlanOptions struct {
	Rules
	ShardBytes    int64  // most bytes in a shard of several lines; default 64 MiB
	ShardRequests int    // most requests in a shard; default 10,000
	MaxLine       int    // bytes; default DefaultMaxLine
	MaxProblems   int    // problems told in detail; default 1000
	SpillDir      string // for temporary files; default os.TempDir()

	// Progress is called after every MiB or so, and at the end, with what was
	// read so far.
	Progress func(bytes, requests int64)
}

// Plan says what the inputs of a batch hold. With ProblemCount above 0 the
// batch must not run, and the shards emitted mean nothing.
type Plan struct {
	Requests int64      `json:"requests"`
	Bytes    int64      `json:"bytes"`
	Shards   int64      `json:"shards"`
	URL      string     `json:"url"`
	Models   []string   `json:"models,omitempty"` // in order of appearance, the first 100
	Files    []FilePlan `json:"files"`

	Problems       []Problem        `json:"problems,omitempty"` // in the order of files and lines, the first MaxProblems
	ProblemCount   int64            `json:"problem_count,omitempty"`
	ProblemsByCode map[string]int64 `json:"problems_by_code,omitempty"`
}

// FilePlan says what one input holds.
type FilePlan struct {
	Name     string `json:"name"`
	Bytes    int64  `json:"bytes"`
	Requests int64  `json:"requests"`
	Lines    int64  `json:"lines"` // blank ones too

	before int64 // lines of the inputs before this one
}

// MakePlan reads all inputs once, in order, checks every line and cuts them
// into shards, which emit gets in order. Problems with what a file says are in
// the plan; the error is for trouble of the inputs' readers, of the spill, of
// emit, and for the end of ctx.
//
// Memory does not grow with the inputs, but for 25 KB for every 256 Ki lines,
// which also take 6 MiB of temporary file. MakePlan can be called again at any
// time.
func MakePlan(ctx context.Context, inputs []Input, o PlanOptions, emit func(Shard) error) (plan Plan, err error) {
	p := newPlanner(o, emit)
	defer func() { err = errors.Join(err, p.ids.close()) }()
	for i, input := range inputs {
		if err := p.readInput(ctx, uint32(i), input); err != nil {
			return Plan{}, err
		}
	}
	if err := p.finish(ctx); err != nil {
		return Plan{}, err
	}
	return p.plan, nil
}
