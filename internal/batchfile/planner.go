package batchfile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
)

const (
	defaultShardBytes    = 64 << 20
	defaultShardRequests = 10_000
	defaultMaxProblems   = 1000
	maxModels            = 100     // to list
	progressStep         = 1 << 20 // bytes
)

// planner makes one plan.
type planner struct {
	o        PlanOptions
	plan     Plan
	cut      cutter
	stage    frames
	ids      *idSet
	repeated *sorter // lines that repeat a custom_id, if they are left out
	problems problemLog
	lines    int64 // of the inputs before this one
	told     int64 // bytes at the last call of Progress
	overLine int64 // the first line, over all inputs, beyond MaxRequests
}

func newPlanner(o PlanOptions, emit func(Shard) error) *planner {
	if o.ShardBytes <= 0 {
		o.ShardBytes = defaultShardBytes
	}
	if o.ShardRequests <= 0 {
		o.ShardRequests = defaultShardRequests
	}
	if o.MaxProblems <= 0 {
		o.MaxProblems = defaultMaxProblems
	}
	if o.MaxLine <= 0 {
		o.MaxLine = DefaultMaxLine
	}
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	return &planner{
		o:        o,
		plan:     Plan{URL: o.URL},
		cut:      cutter{maxBytes: o.ShardBytes, maxRequests: uint32(min(o.ShardRequests, math.MaxInt32)), emit: emit},
		stage:    frames{out: o.Stage},
		ids:      newIDSet(o.SpillDir),
		repeated: newSorter(o.SpillDir),
		problems: problemLog{limit: o.MaxProblems, byCode: map[string]int64{}},
	}
}

// readInput adds one input to the plan.
func (p *planner) readInput(ctx context.Context, index uint32, input Input) (err error) {
	r, err := input.Open(ctx)
	if err != nil {
		return fmt.Errorf("open %s: %w", input.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()

	p.plan.Files = append(p.plan.Files, FilePlan{Name: input.Name, before: p.lines})
	file := &p.plan.Files[index]
	text, compression, err := unpack(r)
	if foreign, ok := errors.AsType[*unreadable](err); ok {
		p.reportFile(1, foreign)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", input.Name, err)
	}
	defer text.Close()
	file.Compression, p.cut.stage = compression, nil
	if compression != Plain && p.o.Stage != nil && !p.doomed() {
		p.cut.stage = &p.stage
	}
	lines := NewScanner(text, p.o.MaxLine)
	lines.PassLong()
	return p.readLines(ctx, index, lines, file)
}

func (p *planner) readLines(ctx context.Context, index uint32, lines *Scanner, file *FilePlan) error {
	for lines.Scan() {
		if err := p.addLine(ctx, index, lines); err != nil {
			return err
		}
		file.Requests++
	}
	if broken, ok := errors.AsType[*unreadable](lines.Err()); ok {
		p.reportFile(p.lines+lines.Line()+1, broken)
	} else if lines.Err() != nil {
		return fmt.Errorf("read %s at %d: %w", file.Name, lines.End(), lines.Err())
	}
	file.Bytes, file.Lines = lines.End(), lines.Line()
	p.plan.Bytes += file.Bytes
	p.lines += file.Lines
	return p.cut.flush()
}

// addLine adds the line at which the scanner stands.
func (p *planner) addLine(ctx context.Context, file uint32, lines *Scanner) error {
	line := p.lines + lines.Line()
	request, problems := p.check(lines)
	for _, problem := range problems {
		p.report(line, problem)
	}
	index := p.plan.Requests
	if err := p.cut.add(file, lines, index); err != nil {
		return err
	}
	if p.plan.Requests++; p.plan.Requests == p.o.MaxRequests+1 {
		p.overLine = line
	}
	if len(problems) > 0 && p.o.SkipInvalid {
		if err := p.skip(line, index, request.CustomID, problems[0]); err != nil {
			return err
		}
	} else if request.CustomID != nil {
		var scratch [maxName]byte
		if err := p.ids.add(token(request.CustomID).content(scratch[:0]), line); err != nil {
			return err
		}
	}
	if len(problems) == 0 && p.o.Valid != nil {
		p.o.Valid(request)
	}
	return p.progress(ctx, p.plan.Bytes+lines.End())
}

// progress tells how far the pass has come, every now and then.
func (p *planner) progress(ctx context.Context, bytes int64) error {
	if bytes-p.told < progressStep {
		return nil
	}
	p.told = bytes
	p.o.Progress(bytes, p.plan.Requests)
	return ctx.Err()
}

// finish checks what only the whole of the inputs shows.
func (p *planner) finish(ctx context.Context) error {
	if p.o.MaxRequests > 0 && p.overLine > 0 {
		p.plan.broken = true
		p.report(p.overLine, Problem{Code: CodeTooManyTasks,
			Message: fmt.Sprintf("there are %d requests, the limit is %d", p.plan.Requests, p.o.MaxRequests)})
	}
	if err := p.ids.duplicates(ctx, p.repeat); err != nil {
		return err
	}
	if p.plan.Requests == p.plan.Skipped && !p.plan.broken {
		p.problems.add(0, Problem{Code: CodeEmptyFile, Message: "there are no requests in the input that can be sent"})
	}
	p.plan.Shards = p.cut.shards
	p.plan.Problems, p.plan.ProblemCount, p.plan.ProblemsByCode = p.problems.result()
	p.o.Progress(p.plan.Bytes, p.plan.Requests)
	return p.tellRepeated(ctx)
}

// report notes a problem of a line, numbered over all inputs.
func (p *planner) report(line int64, problem Problem) {
	problem.File, problem.Line = p.locate(line)
	p.problems.add(line, problem)
}

// reportFile notes why the input cannot be read from that line on.
func (p *planner) reportFile(line int64, why *unreadable) {
	p.plan.broken = true
	p.report(line, Problem{Code: CodeInvalidFile, Message: why.reason})
}

// doomed reports whether the batch cannot run any more, so that nothing needs
// to be kept for it.
func (p *planner) doomed() bool {
	return p.plan.broken || p.problems.count > 0 && !p.o.SkipInvalid
}

// locate finds the input that holds a line, and the line's number there.
func (p *planner) locate(line int64) (string, int64) {
	file := p.plan.Files[p.fileOf(line)]
	return file.Name, line - file.before
}

// fileOf is the index of the input that holds a line.
func (p *planner) fileOf(line int64) uint32 {
	files := p.plan.Files
	return uint32(sort.Search(len(files), func(i int) bool { return files[i].before >= line }) - 1)
}
