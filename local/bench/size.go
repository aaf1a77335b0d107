package bench

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/nightshift-run/nightshift/internal/batchfile"
)

// memory is the most that a worker ever holds, for inputs of ten times the size.
func (b *bench) memory(ctx context.Context) error {
	for lines := int64(10_000); lines <= b.Most; lines *= 10 {
		if err := b.memoryOf(ctx, lines); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) memoryOf(ctx context.Context, lines int64) error {
	w, input, err := b.begin(ctx, answersIn(0), lines, 16)
	if err != nil {
		return err
	}
	defer w.Stop()
	r, err := w.run(ctx, spec(input, inFlight, 1), lines)
	if err != nil {
		return err
	}
	b.add(Row{
		What: fmt.Sprintf("worker's memory, %s lines", grouped(lines)), Ours: fmt.Sprintf("%.0f MB", r.worker.megabytes),
		Target: "<= 100 MB", Missed: r.worker.megabytes > 100,
	})
	return nil
}

// planning is how fast an input is checked and cut into shards on one core:
// JSONL of lines of 1 KB.
func (b *bench) planning(ctx context.Context) error {
	const lines = 500_000
	before := ownCPU()
	if _, err := io.Copy(io.Discard, &manyLines{left: lines}); err != nil {
		return err
	}
	making := ownCPU() - before // of the lines, which is not planning
	before = ownCPU()
	found, err := batchfile.MakePlan(ctx, []batchfile.Input{{Name: "lines", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(&manyLines{left: lines}), nil
	}}}, batchfile.PlanOptions{ShardBytes: 16 << 20, ShardRequests: 10_000, SpillDir: os.TempDir()}, func(batchfile.Shard) error { return nil })
	if err != nil {
		return err
	}
	speed := float64(found.Bytes) / 1e6 / (ownCPU() - before - making)
	b.add(Row{
		What: "planning: lines of 1 KB checked, in a second of one core", Ours: fmt.Sprintf("%.0f MB", speed),
		Target: ">= 300 MB", Missed: speed < 300,
	})
	return nil
}

// manyLines is an input that lies nowhere.
type manyLines struct {
	left int
	rest []byte
	line []byte
}

// Read implements io.Reader.
func (m *manyLines) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(m.rest) == 0 {
			if m.left == 0 {
				break
			}
			m.left--
			m.line = fmt.Appendf(m.line[:0], `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"%0860d"}],"max_tokens":16}}`+"\n", m.left, m.left)
			m.rest = m.line
		}
		copied := copy(p[n:], m.rest)
		m.rest = m.rest[copied:]
		n += copied
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
