package scale

import (
	"context"
	"fmt"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// Lines is what a job's result files hold, line by line.
type Lines struct {
	Lost     int // requests without a result line
	Twice    int // result lines beyond a request's first
	Disorder int // result lines that come after one of a later request
}

// readResults compares the files with the input.
func (w *world) readResults(ctx context.Context, files []jobs.File) (Lines, error) {
	var found Lines
	seen := make([]bool, w.options.Lines)
	for _, file := range files {
		if err := w.readFile(ctx, file.URL, seen, &found); err != nil {
			return found, fmt.Errorf("%s: %w", file.URL, err)
		}
	}
	for _, one := range seen {
		if !one {
			found.Lost++
		}
	}
	return found, nil
}

func (w *world) readFile(ctx context.Context, url string, seen []bool, found *Lines) error {
	reader, err := w.stack.Store.Open(ctx, url, bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	last := -1
	lines := batchfile.NewScanner(reader, 0)
	for lines.Scan() {
		id, err := batchfile.ResultID(lines.Bytes(), nil)
		if err != nil {
			return err
		}
		var number int
		if _, err := fmt.Sscanf(string(id), "r-%d", &number); err != nil || number < 0 || number >= len(seen) {
			return fmt.Errorf("nobody asked for %q", id)
		}
		if number < last {
			found.Disorder++
		}
		if seen[number] {
			found.Twice++
		}
		last, seen[number] = number, true
	}
	return lines.Err()
}
