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
	MaxLine     int    // bytes; default DefaultMaxLine
	SkipInvalid bool   // lines that cannot be sent are left out, and the others run

	// Model is what every line must name. A line that names one that is none of
	// Served either is told, once for each such model, what is served. Empty
	// means the model of the first line that names one.
	Model  string
	Served []string
}

// PlanOptions says what to accept and how to cut it. Zero values mean the
// defaults.
type PlanOptions struct {
	Rules
	ShardBytes    int64  // most bytes of text in a shard of several lines; default 64 MiB
	ShardRequests int    // most requests in a shard; default 10,000
	MaxProblems   int    // problems told in detail; default 1000
	SpillDir      string // for temporary files; default os.TempDir()

	// Stage takes the text of compressed inputs, one zstd frame a shard: see
	// OpenFrame. Without it the shards of such inputs are ranges of their text,
	// which nobody can read by themselves.
	Stage io.Writer

	// Skipped is called, with Rules.SkipInvalid, for each line that is left out
	// and whose shard has not been emitted before that line was read: all but
	// those that repeat a custom_id. It gets them in input order.
	Skipped func(Skipped) error

	// Repeated is called, with Rules.SkipInvalid, for each line that is left out
	// because one before it has its custom_id. It gets them in input order,
	// when all inputs are read and all shards emitted.
	Repeated func(Repeated) error

	// Valid is called for every line without a problem of its own.
	Valid func(Request)

	// Progress is called after every MiB or so, and at the end, with what was
	// read so far.
	Progress func(bytes, requests int64)
}

// Plan says what the inputs of a batch hold. Unless Runs, the batch must not
// run, and the shards emitted and the text staged mean nothing.
type Plan struct {
	Requests int64      `json:"requests"`          // all lines that are not blank
	Skipped  int64      `json:"skipped,omitempty"` // of them, those that are left out
	Bytes    int64      `json:"bytes"`
	Shards   int64      `json:"shards"`
	URL      string     `json:"url"`
	Models   []string   `json:"models,omitempty"` // in order of appearance, the first 100
	Files    []FilePlan `json:"files"`

	Problems       []Problem        `json:"problems,omitempty"` // in the order of files and lines, the first MaxProblems
	ProblemCount   int64            `json:"problem_count,omitempty"`
	ProblemsByCode map[string]int64 `json:"problems_by_code,omitempty"`

	broken bool // there is a problem that no line left out can cure
}

// Runs reports whether the batch can run: nothing is wrong with its inputs, or
// only with lines that are left out, and others are left.
func (p Plan) Runs() bool {
	return p.ProblemCount == 0 || !p.broken && p.Skipped > 0 && p.Skipped < p.Requests
}

// Broken reports whether the inputs have a problem that leaving out lines cannot
// cure.
func (p Plan) Broken() bool {
	return p.broken || p.Requests == 0
}

// FilePlan says what one input holds.
type FilePlan struct {
	Name        string      `json:"name"`
	Compression Compression `json:"compression,omitempty"`
	Bytes       int64       `json:"bytes"` // of text
	Requests    int64       `json:"requests"`
	Lines       int64       `json:"lines"` // blank ones too

	before int64 // lines of the inputs before this one
}

// MakePlan reads all inputs once, in order, checks every line and cuts them
// into shards, which emit gets in order. Problems with what a file says are in
// the plan; the error is for trouble of the inputs' readers, of the spill, of
// emit, and for the end of ctx.
//
// Memory does not grow with the inputs, but for 25 KB for every 256 Ki lines,
// which also take 6 MiB of temporary file, and twice that if all of them repeat
// a custom_id and are left out. MakePlan can be called again at any time.
func MakePlan(ctx context.Context, inputs []Input, o PlanOptions, emit func(Shard) error) (plan Plan, err error) {
	p := newPlanner(o, emit)
	defer func() { err = errors.Join(err, p.ids.close(), p.repeated.close()) }()
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
