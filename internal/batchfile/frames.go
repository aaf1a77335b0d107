package batchfile

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// frameWindow is the window of a frame, and so about the memory that writing
// and reading one takes.
const frameWindow = 1 << 20

// frames writes lines as a row of zstd frames, one a shard, so that each can be
// read by itself.
type frames struct {
	out     io.Writer
	encoder *zstd.Encoder // nil before the first line
	end     int64         // bytes written to out
	start   int64         // of the open frame
	line    int64         // the last one in the open frame; 0 while there is none
}

// unfit stands in a frame for a line that is too long to be kept. It is not
// JSON, so that it counts as a line that cannot be sent.
var unfit = []byte("?")

// add writes a line of that number. Blank lines since the one before are
// written too, so that numbers stay right.
func (f *frames) add(line int64, content []byte) error {
	if f.encoder == nil {
		encoder, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(frameWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return fmt.Errorf("stage: %w", err)
		}
		f.encoder = encoder
	}
	if f.line == 0 {
		f.start, f.line = f.end, line
	}
	for ; f.line < line; f.line++ {
		if _, err := f.encoder.Write([]byte("\n")); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	if _, err := f.encoder.Write(content); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	return nil
}

// cut ends the open frame and returns its place.
func (f *frames) cut() (offset, length int64, err error) {
	if err := f.encoder.Close(); err != nil {
		return 0, 0, fmt.Errorf("stage: %w", err)
	}
	f.encoder.Reset(f)
	f.line = 0
	return f.start, f.end - f.start, nil
}

// Write counts what the encoder writes.
func (f *frames) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	f.end += int64(n)
	return n, err
}

// OpenFrame reads the lines of a shard from what [PlanOptions].Stage took at
// the shard's place. Close frees memory; it does not close r.
func OpenFrame(r io.Reader) (io.ReadCloser, error) {
	decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8*frameWindow))
	if err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	return decoder.IOReadCloser(), nil
}
