// Package compress writes and reads files of results as gzip and zstd.
package compress

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/nightshift-run/nightshift/jobs"
)

// kind is one way to compress.
type kind struct {
	ending      string // of file names
	contentType string
}

var kinds = map[jobs.Compression]kind{
	jobs.Uncompressed: {"", "application/jsonl"},
	jobs.Gzip:         {".gz", "application/gzip"},
	jobs.Zstd:         {".zst", "application/zstd"},
}

func kindOf(by jobs.Compression) kind {
	if by == "" {
		by = jobs.Uncompressed
	}
	return kinds[by]
}

// Ending is what compressed files' names end in; empty for uncompressed ones.
func Ending(by jobs.Compression) string { return kindOf(by).ending }

// ContentType is the media type of such a file of JSONL.
func ContentType(by jobs.Compression) string { return kindOf(by).contentType }

// zstdWindow bounds the memory of an encoder, and of whoever reads what it
// wrote, in bytes.
const zstdWindow = 1 << 20

// NewWriter compresses into w. Close ends the compressed stream and leaves w
// open; memory is a few MiB.
func NewWriter(w io.Writer, by jobs.Compression) (io.WriteCloser, error) {
	switch by {
	case jobs.Gzip:
		return gzip.NewWriter(w), nil
	case jobs.Zstd:
		return zstd.NewWriter(w, zstd.WithWindowSize(zstdWindow), zstd.WithEncoderConcurrency(1))
	case "", jobs.Uncompressed:
		return plain{w}, nil
	}
	return nil, fmt.Errorf("unknown compression %q", by)
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// NewReader reads what NewWriter wrote. Close leaves r open.
func NewReader(r io.Reader, by jobs.Compression) (io.ReadCloser, error) {
	switch by {
	case jobs.Gzip:
		return gzip.NewReader(r)
	case jobs.Zstd:
		decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	case "", jobs.Uncompressed:
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("unknown compression %q", by)
}

// ByName tells the compression of a file of results from its name.
func ByName(name string) jobs.Compression {
	for by, kind := range kinds {
		if n := len(name) - len(kind.ending); kind.ending != "" && n >= 0 && name[n:] == kind.ending {
			return by
		}
	}
	return jobs.Uncompressed
}
