package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// resultFile is one file of results on its way into the bucket. It comes into
// being with its first line: a job without errors has no errors file.
type resultFile struct {
	jobs.File
	store  *bucket.Store
	url    string
	writer *bucket.Writer
	sum    hash.Hash
}

func (f *resultFile) write(ctx context.Context, line []byte) error {
	if f.writer == nil {
		writer, err := f.store.Create(ctx, f.url, "application/jsonl")
		if err != nil {
			return err
		}
		f.writer, f.sum, f.URL = writer, sha256.New(), f.url
	}
	f.sum.Write(line)
	f.Lines++
	f.Bytes += int64(len(line))
	_, err := f.writer.Write(line)
	return err
}

// commit makes the file visible. Without a line it removes what an earlier
// attempt, or an earlier job, may have left in its place.
func (f *resultFile) commit(ctx context.Context) error {
	if f.writer == nil {
		return f.store.Delete(ctx, f.url)
	}
	f.SHA256 = hex.EncodeToString(f.sum.Sum(nil))
	_, err := f.writer.Commit(ctx)
	return err
}

// abort leaves nothing behind of a file that was not committed.
func (f *resultFile) abort() {
	if f.writer != nil {
		f.writer.Abort()
	}
}
