package activities

import (
	"cmp"
	"slices"

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

// lineBuffers are kept for shards to come: they grow to a megabyte every few
// seconds, and growing is most of what filling them costs.
var lineBuffers = make(chan *lineBuffer, 2)

func newLineBuffer() *lineBuffer {
	select {
	case b := <-lineBuffers:
		return b
	default:
		return new(lineBuffer)
	}
}

// recycle gives the buffer up. One that a large answer has made large is left to
// the garbage collector.
func (b *lineBuffer) recycle() {
	if cap(b.text) > 2*flushBytes {
		return
	}
	b.text, b.lines = b.text[:0], b.lines[:0]
	select {
	case lineBuffers <- b:
	default:
	}
}

// dropLineBuffers leaves those that are kept to the garbage collector.
func dropLineBuffers() {
	for {
		select {
		case <-lineBuffers:
		default:
			return
		}
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
