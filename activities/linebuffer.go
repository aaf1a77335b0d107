package activities

import (
	"cmp"
	"slices"
	"sync"

	"github.com/nightshift-run/nightshift/internal/batchfile"
)

// lineBuffer holds result lines as they come, and where each begins.
type lineBuffer struct {
	text   []byte
	lines  []lineAt
	sorted []byte
}

type lineAt struct {
	index      int64
	start, end int
}

// lineBuffers are used again: they grow to a megabyte every few seconds.
var lineBuffers = sync.Pool{New: func() any { return new(lineBuffer) }}

func newLineBuffers() (buffers [2]*lineBuffer) {
	for i := range buffers {
		buffers[i] = lineBuffers.Get().(*lineBuffer)
	}
	return buffers
}

// recycle gives the buffer up. One that a large answer has made large is left to
// the garbage collector.
func (b *lineBuffer) recycle() {
	if cap(b.text) <= 2*flushBytes {
		b.text, b.lines = b.text[:0], b.lines[:0]
		lineBuffers.Put(b)
	}
}

func (b *lineBuffer) add(job string, result batchfile.Result, sum uint64) {
	start := len(b.text)
	b.text = batchfile.AppendPart(b.text, job, result, sum)
	b.lines = append(b.lines, lineAt{result.Index, start, len(b.text)})
}

// inOrder returns the lines sorted by the index of their request. They are valid
// until the buffer is recycled.
func (b *lineBuffer) inOrder() []byte {
	slices.SortFunc(b.lines, func(x, y lineAt) int { return cmp.Compare(x.index, y.index) })
	b.sorted = slices.Grow(b.sorted[:0], len(b.text))
	for _, line := range b.lines {
		b.sorted = append(b.sorted, b.text[line.start:line.end]...)
	}
	return b.sorted
}
