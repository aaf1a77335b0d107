package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/compress"
	"github.com/nightshift-run/nightshift/jobs"
)

// resultFiles are the files of one kind on their way into the bucket: one, or
// as many as the job's split asks for. They come into being with their first
// line: a job without errors has no errors file. None can be seen before
// commit.
type resultFiles struct {
	store  *bucket.Store
	output string
	kind   string // output or errors
	format jobs.Results
	files  []*resultFile // all but the last are sealed
}

// name is what the files are called.
func (f *resultFiles) name(number int) string {
	name := f.kind
	if f.format.Split > 0 {
		name += fmt.Sprintf("-%05d", number)
	}
	return name + ".jsonl" + compress.Ending(f.format.Compression)
}

func (f *resultFiles) write(ctx context.Context, line []byte) error {
	if last := len(f.files) - 1; last < 0 || f.files[last].isFull(f.format.Split, len(line)) {
		if err := f.next(ctx); err != nil {
			return err
		}
	}
	return f.files[len(f.files)-1].add(line)
}

// next seals the last file and begins another.
func (f *resultFiles) next(ctx context.Context) error {
	if last := len(f.files) - 1; last >= 0 {
		if err := f.files[last].seal(); err != nil {
			return err
		}
	}
	file, err := newResultFile(ctx, f.store, bucket.Join(f.output, f.name(len(f.files)+1)), f.format.Compression)
	if err != nil {
		return err
	}
	f.files = append(f.files, file)
	return nil
}

// finish ends the last file, so that commit has nothing left to do that takes
// time.
func (f *resultFiles) finish() error {
	if last := len(f.files) - 1; last >= 0 {
		return f.files[last].finish()
	}
	return nil
}

// commit makes the files visible, and returns them.
func (f *resultFiles) commit(ctx context.Context) ([]jobs.File, error) {
	var done []jobs.File
	for _, file := range f.files {
		if _, err := file.writer.Commit(ctx); err != nil {
			return done, err
		}
		done = append(done, file.File)
	}
	return done, nil
}

// abort leaves nothing behind of files that were not committed.
func (f *resultFiles) abort() {
	for _, file := range f.files {
		file.writer.Abort()
	}
}

// resultFile is one file of results. Its lines go through the compressor, what
// comes out of it through the checksum and into the bucket.
type resultFile struct {
	jobs.File
	writer *bucket.Writer
	packed io.WriteCloser
	sum    hash.Hash
	plain  int64 // bytes of lines
}

func newResultFile(ctx context.Context, store *bucket.Store, url string, by jobs.Compression) (*resultFile, error) {
	writer, err := store.Create(ctx, url, compress.ContentType(by))
	if err != nil {
		return nil, err
	}
	f := &resultFile{File: jobs.File{URL: url}, writer: writer, sum: sha256.New()}
	f.packed, err = compress.NewWriter(stored{f}, by)
	return f, err
}

// stored takes what is put into the bucket.
type stored struct{ *resultFile }

func (s stored) Write(p []byte) (int, error) {
	s.sum.Write(p)
	s.Bytes += int64(len(p))
	return s.writer.Write(p)
}

func (f *resultFile) isFull(split jobs.Size, more int) bool {
	return split > 0 && f.plain > 0 && f.plain+int64(more) > int64(split)
}

func (f *resultFile) add(line []byte) error {
	f.Lines++
	f.plain += int64(len(line))
	_, err := f.packed.Write(line)
	return err
}

// finish ends the compressed stream and settles what the manifest says.
func (f *resultFile) finish() error {
	err := f.packed.Close()
	f.SHA256 = hex.EncodeToString(f.sum.Sum(nil))
	if f.Bytes != f.plain {
		f.Uncompressed = f.plain
	}
	return err
}

// seal finishes the file and gives its memory back.
func (f *resultFile) seal() error {
	if err := f.finish(); err != nil {
		return err
	}
	return f.writer.Seal()
}
