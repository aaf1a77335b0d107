package activities

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"path"
	"strings"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/compress"
	"github.com/nightshift-run/nightshift/jobs"
)

// Reading hands out a job's results for whoever wants them outside of the
// bucket. It only reads, and its memory does not grow with them, but for a bit
// a request and a few bytes a part while it follows a job. It serves one
// goroutine.
type Reading struct {
	Store  *bucket.Store
	Output string
	Job    string // empty: whatever job's results lie there
	Errors bool   // lines of the errors file instead of the output file

	seed  maphash.Seed
	parts map[uint64]bool // hashes of the URLs of parts that were handed out
	seen  []uint64        // by 64 requests: a bit for each whose line was handed out
	lines int64           // handed out
}

// ErrNoResults means that the job has not assembled its results.
var ErrNoResults = errors.New("no results")

// All writes the assembled results to w, uncompressed, and returns how many
// lines there were. Before the job has assembled them it fails with
// ErrNoResults, and has written nothing.
func (r *Reading) All(ctx context.Context, w io.Writer) (int64, error) {
	files, err := r.files(ctx)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if err := r.copyFile(ctx, w, file); err != nil {
			return r.lines, err
		}
	}
	return r.lines, nil
}

// Report reads the report of the job whose results lie at the output. Without
// one it fails with ErrNoResults.
func (r *Reading) Report(ctx context.Context) (report jobs.Report, err error) {
	err = getJSON(ctx, r.Store, bucket.Join(r.Output, reportFile), &report)
	if errors.Is(err, bucket.ErrNotFound) {
		return jobs.Report{}, fmt.Errorf("%w below %s: no %s lies there", ErrNoResults, r.Output, reportFile)
	}
	return report, err
}

// files are the files of results of the kind that is wanted.
func (r *Reading) files(ctx context.Context) ([]jobs.File, error) {
	written, found, err := readManifest(ctx, r.Store, r.Output)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("%w below %s", ErrNoResults, r.Output)
	case r.Job != "" && written.Job != r.Job:
		return nil, fmt.Errorf("%w of job %s below %s: those there are of job %s", ErrNoResults, r.Job, r.Output, written.Job)
	}
	kind := "output"
	if r.Errors {
		kind = "errors"
	}
	var files []jobs.File
	for _, file := range written.Files {
		if strings.HasPrefix(path.Base(file.URL), kind) {
			files = append(files, file)
		}
	}
	return files, nil
}

// copyFile writes the lines of one file that were not handed out before.
func (r *Reading) copyFile(ctx context.Context, w io.Writer, file jobs.File) error {
	// By its name below the output, which may have been moved since.
	url := bucket.Join(r.Output, path.Base(file.URL))
	stored, err := r.Store.Open(ctx, url, bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer stored.Close()
	plain, err := compress.NewReader(stored, compress.ByName(url))
	if err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	defer plain.Close()
	lines := batchfile.NewScanner(plain, maxResultLine)
	for lines.Scan() {
		if err := r.hand(w, lines.Bytes()); err != nil {
			return err
		}
	}
	if lines.Err() != nil {
		return fmt.Errorf("read %s: %w", url, lines.Err())
	}
	return nil
}

// hand writes a line unless its request has had one.
func (r *Reading) hand(w io.Writer, line []byte) error {
	index, err := batchfile.ResultIndex(line)
	if err != nil {
		return err
	}
	for int64(len(r.seen)) <= index/64 {
		r.seen = append(r.seen, 0)
	}
	if bit := uint64(1) << (index % 64); r.seen[index/64]&bit == 0 {
		r.seen[index/64] |= bit
		r.lines++
		if _, err = w.Write(line); err == nil {
			_, err = w.Write([]byte("\n"))
		}
	}
	return err
}

// Follow writes the lines of a running job that have been finished since it was
// called before, in the order in which they were, and returns how many lines it
// has written in all. Where a request was answered twice, one line is written.
func (r *Reading) Follow(ctx context.Context, w io.Writer) (int64, error) {
	if r.parts == nil {
		r.seed, r.parts = maphash.MakeSeed(), map[uint64]bool{}
	}
	kind := outputPart
	if r.Errors {
		kind = errorsPart
	}
	for object, err := range r.Store.List(ctx, bucket.Join(string(workspaceOf(r.Output, r.Job)), "parts")+"/") {
		if err != nil {
			return r.lines, err
		}
		hash := maphash.String(r.seed, object.URL)
		if !strings.HasSuffix(object.URL, kind) || r.parts[hash] {
			continue
		}
		err := eachLine(ctx, r.Store, object.URL, func(line []byte) error {
			result, _, _ := batchfile.CutPart(line)
			return r.hand(w, result)
		})
		if err != nil {
			return r.lines, fmt.Errorf("part %s: %w", object.URL, err)
		}
		r.parts[hash] = true
	}
	return r.lines, nil
}

// Rest writes, after the job's end, what Follow has not: lines of requests that
// never ran.
func (r *Reading) Rest(ctx context.Context, w io.Writer) (int64, error) {
	if _, err := r.Follow(ctx, w); err != nil {
		return r.lines, err
	}
	files, err := r.files(ctx)
	if errors.Is(err, ErrNoResults) { // it ended without assembling any
		return r.lines, nil
	}
	var all int64
	for _, file := range files {
		all += file.Lines
	}
	if err != nil || all == r.lines {
		return r.lines, err
	}
	return r.All(ctx, w)
}
