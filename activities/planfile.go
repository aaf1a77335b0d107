package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// plan is the file plan.json.
type plan struct {
	Version  int       `json:"version"`
	Job      string    `json:"job"`
	Source   jobs.URLs `json:"source,omitempty"` // the input as the job names it
	URL      string    `json:"url"`              // of every request, such as /v1/chat/completions
	Requests int64     `json:"requests"`
	Invalid  int64     `json:"invalid,omitempty"` // of them, lines that have error lines from the beginning
	Bytes    int64     `json:"bytes"`             // of text
	Shards   int       `json:"shards"`
	Ends     []int64   `json:"ends,omitempty"`     // as in workflows.Plan
	MaxLine  int       `json:"max_line,omitempty"` // bytes; 0 is batchfile.DefaultMaxLine
	Inputs   []pinned  `json:"inputs"`
	Staged   *pinned   `json:"staged,omitempty"` // the text of compressed inputs
}

// pinned is an object as it was when the input was planned.
type pinned struct {
	URL         string                `json:"url"`
	Size        int64                 `json:"size"`
	ETag        string                `json:"etag"`
	Lines       int64                 `json:"lines"`
	Compression batchfile.Compression `json:"compression,omitempty"` // its shards are in the staged text
}

// planVersion is the latest; plainPlan is written where a worker that knows no
// later one reads the plan rightly.
const (
	plainPlan   = 1
	planVersion = 2
)

func (p *plan) version() int {
	if p.Staged != nil || p.Invalid > 0 || p.MaxLine > batchfile.DefaultMaxLine {
		return planVersion
	}
	return plainPlan
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
	if p.Version < plainPlan || p.Version > planVersion {
		return plan{}, final(jobs.Internal, fmt.Sprintf("%s has version %d, this worker knows %d to %d", url, p.Version, plainPlan, planVersion))
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
// place in the shard; lines that on_invalid: skip leaves out have a place too,
// and are passed over where they are no requests. The request's memory is
// reused for the next. An input that is no longer the one that was planned is
// bucket.ErrChanged.
func eachRequest(ctx context.Context, store *bucket.Store, p plan, shard batchfile.Shard, use func(request batchfile.Request, at int) error) error {
	return eachNumbered(ctx, store, p, shard, func(request batchfile.Request, at int, _ int64) error { return use(request, at) })
}

// eachNumbered is eachRequest with the line's number in its input.
func eachNumbered(ctx context.Context, store *bucket.Store, p plan, shard batchfile.Shard, use func(request batchfile.Request, at int, line int64) error) error {
	input := p.Inputs[shard.File]
	text, err := openText(ctx, store, p, shard)
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	defer text.Close()
	scanner := batchfile.NewScanner(text, p.MaxLine)
	scanner.StartAt(shard.FirstLine)
	scanner.PassLong()
	at := 0
	for ; scanner.Scan(); at++ {
		request, problems := batchfile.Parse(scanner.Bytes())
		invalid := len(problems) > 0 || scanner.TooLong()
		if invalid && p.Invalid == 0 || at >= int(shard.Requests) {
			return fmt.Errorf("line %d of %s is not as it was planned: %w", scanner.Line(), input.URL, bucket.ErrChanged)
		}
		if invalid {
			continue
		}
		if err := use(request, at, scanner.Line()); err != nil {
			return err
		}
	}
	if scanner.Err() == nil && at < int(shard.Requests) {
		return fmt.Errorf("%s ends after %d of the shard's %d requests: %w", input.URL, at, shard.Requests, bucket.ErrChanged)
	}
	return scanner.Err()
}

// openText reads a shard's lines, wherever they are.
func openText(ctx context.Context, store *bucket.Store, p plan, shard batchfile.Shard) (io.ReadCloser, error) {
	source := p.Inputs[shard.File]
	compressed := source.Compression != batchfile.Plain
	if compressed {
		source = *p.Staged
	}
	reader, err := store.Open(ctx, source.URL, bucket.ReadOptions{Offset: shard.Offset, Length: shard.Length, ETag: source.ETag})
	if err != nil || !compressed {
		return reader, err
	}
	frame, err := batchfile.OpenFrame(reader)
	if err != nil {
		reader.Close()
		return nil, err
	}
	return frameReader{frame, reader}, nil
}

// frameReader reads a frame and closes what it is read from.
type frameReader struct {
	io.ReadCloser
	source io.Closer
}

func (r frameReader) Close() error { return errors.Join(r.ReadCloser.Close(), r.source.Close()) }
