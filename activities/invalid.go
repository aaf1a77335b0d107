package activities

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
)

// The error lines of what on_invalid: skip leaves out are written when the
// input is planned, as parts of their shards: to whoever runs, resumes or
// collects a shard they are requests that have their results already. Attempts
// count from 1, so these parts come before all others.
const (
	invalidPart  = "0-invalid-"
	repeatedPart = "0-repeated-"
)

func isInvalidPart(url string) bool {
	name := path.Base(url)
	return strings.HasPrefix(name, invalidPart) || strings.HasPrefix(name, repeatedPart)
}

// invalidLines writes the error lines of one kind, shard after shard.
type invalidLines struct {
	store    *bucket.Store
	job      string
	work     workspace
	kind     string
	shard    int64 // of text
	sequence int
	text     []byte
}

// add takes the error line of a line that is left out. The custom_id is null
// where there is none that can be used.
func (l *invalidLines) add(ctx context.Context, line batchfile.Skipped) error {
	if len(l.text) > flushBytes || line.Shard != l.shard {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	l.shard = line.Shard
	l.text = batchfile.AppendResult(l.text, l.job, batchfile.Result{
		Index: line.Request, CustomID: line.CustomID,
		Error: &batchfile.ResultError{Code: line.Problem.Code, Message: fmt.Sprintf("%s:%d: %s", line.Problem.File, line.Problem.Line, line.Problem.Message)},
	})
	return nil
}

func (l *invalidLines) flush(ctx context.Context) error {
	if len(l.text) == 0 {
		return nil
	}
	l.sequence++
	url := l.work.parts(int(l.shard)) + fmt.Sprintf("%s%05d%s", l.kind, l.sequence, errorsPart)
	if _, err := l.store.Put(ctx, url, l.text, bucket.PutOptions{ContentType: "application/jsonl"}); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	l.text = l.text[:0]
	return nil
}

func (r *planRun) skip(line batchfile.Skipped) error { return r.invalid.add(r.ctx, line) }

// repeat leaves out a line whose custom_id is used before. That is known only
// when all is read, so the line is read once more for its custom_id.
func (r *planRun) repeat(line batchfile.Repeated) error {
	if r.repeats == nil {
		if err := r.commit(); err != nil {
			return err
		}
		opened, err := r.openRepeats()
		if err != nil {
			return err
		}
		r.repeats = opened
	}
	return r.repeats.add(line)
}

// repeats goes through the shards beside the repeated lines, which come in
// order, and reads the shards that hold some.
type repeats struct {
	run     *planRun
	plan    plan // as far as reading shards needs it
	lines   invalidLines
	records io.ReadCloser
	buffer  *bufio.Reader

	number        int64           // of shard
	shard, beyond batchfile.Shard // the shard at which lines stand, and the next; none has no requests
	marked        map[int64]batchfile.Problem
}

func (r *planRun) openRepeats() (*repeats, error) {
	records, err := r.Store.Open(r.ctx, r.work.shards(), bucket.ReadOptions{ETag: r.shards.object.ETag})
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	one := &repeats{
		run: r, records: records, buffer: bufio.NewReader(records), number: -2, marked: map[int64]batchfile.Problem{},
		plan:  plan{Inputs: r.inputs, Staged: r.staged.pinned(), MaxLine: int(r.call.MaxLine), Invalid: 1},
		lines: invalidLines{store: r.Store, job: r.call.Job, work: r.work, kind: repeatedPart},
	}
	return one, errors.Join(one.next(), one.next())
}

// next moves to the next shard.
func (r *repeats) next() error {
	record := make([]byte, batchfile.ShardSize)
	_, err := io.ReadFull(r.buffer, record)
	r.number, r.shard, r.beyond = r.number+1, r.beyond, batchfile.Shard{}
	if err == io.EOF {
		return nil
	}
	if err == nil {
		r.beyond, err = batchfile.DecodeShard(record)
	}
	return err
}

// add marks a line in its shard.
func (r *repeats) add(line batchfile.Repeated) error {
	for !r.holds(line) {
		if err := errors.Join(r.write(), r.next()); err != nil {
			return err
		}
		if r.shard.Requests == 0 {
			return fmt.Errorf("line %d of %s is in no shard", line.Problem.Line, line.Problem.File)
		}
	}
	r.plan.Inputs[line.File].Compression = line.Compression
	r.marked[line.Problem.Line] = line.Problem
	return nil
}

// holds reports whether a line, which does not come before the shard, is in it.
func (r *repeats) holds(line batchfile.Repeated) bool {
	before := r.beyond.Requests == 0 || r.beyond.File > line.File || r.beyond.File == line.File && r.beyond.FirstLine > line.Problem.Line
	return r.shard.File == line.File && before
}

// write reads the shard's marked lines and writes their error lines.
func (r *repeats) write() error {
	if len(r.marked) == 0 {
		return nil
	}
	defer clear(r.marked)
	return eachNumbered(r.run.ctx, r.run.Store, r.plan, r.shard, func(request batchfile.Request, at int, line int64) error {
		problem, marked := r.marked[line]
		if !marked {
			return nil
		}
		return r.lines.add(r.run.ctx, batchfile.Skipped{
			Shard: r.number, Request: r.shard.FirstRequest + int64(at), CustomID: request.CustomID, Problem: problem,
		})
	})
}

// close writes what is left.
func (r *repeats) close() error {
	return errors.Join(r.write(), r.lines.flush(r.run.ctx), r.records.Close())
}
