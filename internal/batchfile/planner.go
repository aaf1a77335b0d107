package batchfile

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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
	ids      *idSet
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
	if o.Progress == nil {
		o.Progress = func(int64, int64) {}
	}
	return &planner{
		o:        o,
		plan:     Plan{URL: o.URL},
		cut:      cutter{maxBytes: o.ShardBytes, maxRequests: uint32(min(o.ShardRequests, math.MaxInt32)), emit: emit},
		ids:      newIDSet(o.SpillDir),
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
	lines := NewScanner(r, p.o.MaxLine)
	for lines.Scan() {
		if err := p.addLine(ctx, index, lines); err != nil {
			return err
		}
		file.Requests++
	}
	if long, ok := errors.AsType[*lineTooLong](lines.Err()); ok {
		p.report(p.lines+long.line, Problem{Code: CodeInvalidRequest, Message: long.Error() + "; the rest of the file was not checked"})
	} else if lines.Err() != nil {
		return fmt.Errorf("read %s at %d: %w", input.Name, lines.End(), lines.Err())
	}
	file.Bytes, file.Lines = lines.End(), lines.Line()
	p.plan.Bytes += file.Bytes
	p.lines += file.Lines
	return p.cut.flush()
}

// addLine adds the line at which the scanner stands.
func (p *planner) addLine(ctx context.Context, file uint32, lines *Scanner) error {
	line := p.lines + lines.Line()
	request, problems := Parse(lines.Bytes())
	for _, problem := range problems {
		p.report(line, problem)
	}
	p.checkURL(line, request.URL)
	p.checkModel(line, request.model)
	if request.CustomID != nil {
		var scratch [maxName]byte
		if err := p.ids.add(token(request.CustomID).content(scratch[:0]), line); err != nil {
			return err
		}
	}
	if err := p.cut.add(file, lines, p.plan.Requests); err != nil {
		return err
	}
	if p.plan.Requests++; p.plan.Requests == p.o.MaxRequests+1 {
		p.overLine = line
	}
	return p.progress(ctx, p.plan.Bytes+lines.End())
}

func (p *planner) checkURL(line int64, url string) {
	if p.plan.URL == "" {
		p.plan.URL = url
	}
	if url != "" && url != p.plan.URL {
		p.report(line, Problem{Code: CodeURLMismatch, Param: "url",
			Message: fmt.Sprintf("url %s is not the batch's %s", quote(url), quote(p.plan.URL))})
	}
}

func (p *planner) checkModel(line int64, model token) {
	if model == nil {
		return
	}
	var scratch [maxName]byte
	name := model.content(scratch[:0])
	known := slices.ContainsFunc(p.plan.Models, func(m string) bool { return m == string(name) })
	if !known && len(p.plan.Models) < maxModels {
		p.plan.Models = append(p.plan.Models, string(name))
	}
	if first := p.plan.Models[0]; !p.o.AnyModel && first != string(name) {
		p.report(line, Problem{Code: CodeModelMismatch, Param: "body.model",
			Message: fmt.Sprintf("model %s is not that of the lines before, %s", quote(string(name)), quote(first))})
	}
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
	if p.plan.Requests == 0 && p.problems.count == 0 {
		p.problems.add(0, Problem{Code: CodeEmptyFile, Message: "there are no requests in the input"})
	}
	if p.o.MaxRequests > 0 && p.overLine > 0 {
		p.report(p.overLine, Problem{Code: CodeTooManyTasks,
			Message: fmt.Sprintf("there are %d requests, the limit is %d", p.plan.Requests, p.o.MaxRequests)})
	}
	err := p.ids.duplicates(ctx, func(line, first int64) {
		file, number := p.locate(first)
		p.report(line, Problem{Code: CodeDuplicateCustomID, Param: "custom_id",
			Message: fmt.Sprintf("custom_id is used before, at %s:%d", file, number)})
	})
	if err != nil {
		return err
	}
	p.plan.Shards = p.cut.shards
	p.plan.Problems, p.plan.ProblemCount, p.plan.ProblemsByCode = p.problems.result()
	p.o.Progress(p.plan.Bytes, p.plan.Requests)
	return nil
}

// report notes a problem of a line, numbered over all inputs.
func (p *planner) report(line int64, problem Problem) {
	problem.File, problem.Line = p.locate(line)
	p.problems.add(line, problem)
}

// locate finds the input that holds a line, and the line's number there.
func (p *planner) locate(line int64) (string, int64) {
	files := p.plan.Files
	after := sort.Search(len(files), func(i int) bool { return files[i].before >= line })
	file := files[after-1]
	return file.Name, line - file.before
}
