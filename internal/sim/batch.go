package sim

import (
	"container/heap"
	"math"
	"time"
)

// batch is what one replica works on. All of its streams run at the same
// speed, so one figure tells how far they have come: the progress that a
// stream would have made since the batch began. A stream that joins at
// progress p with work w is done at progress p+w, whatever joins or leaves
// meanwhile, and the speed only decides when that is.
//
// A batch never reads a clock: it is told the time, which must not go back.
type batch struct {
	model    Model
	at       time.Time // when progress was right
	progress float64   // nanoseconds of work done for each stream
	streams  byFinish
}

// stream is one request that a replica answers, or that waits for one.
type stream struct {
	work    time.Duration // at full speed
	finish  float64       // the batch's progress at which it is done
	index   int           // in the batch's heap
	replica *replica      // nil while it waits
	done    chan error    // gets nil when answered, or why not; room for one
}

// rounding forgives what floating point loses: a stream within a nanosecond of
// its end is done.
const rounding = 1

// join adds a stream at time t.
func (b *batch) join(t time.Time, s *stream) {
	if len(b.streams) == 0 {
		b.at, b.progress = t, 0 // small figures stay exact
	}
	b.advance(t)
	s.finish = b.progress + float64(s.work)
	heap.Push(&b.streams, s)
}

// leave takes a stream out at time t, done or not.
func (b *batch) leave(t time.Time, s *stream) {
	b.advance(t)
	heap.Remove(&b.streams, s.index)
}

// finished takes out and returns the next stream that is done by time t, or
// nil.
func (b *batch) finished(t time.Time) *stream {
	if len(b.streams) == 0 {
		return nil
	}
	b.advance(t)
	if b.streams[0].finish-b.progress > rounding {
		return nil
	}
	return heap.Pop(&b.streams).(*stream)
}

// next returns when the first stream will be done if none joins or leaves, or
// the zero time if there is none.
func (b *batch) next() time.Time {
	if len(b.streams) == 0 {
		return time.Time{}
	}
	left := max(b.streams[0].finish-b.progress, 0)
	return b.at.Add(time.Duration(math.Ceil(left / b.model.speed(len(b.streams)))))
}

func (b *batch) advance(t time.Time) {
	b.progress += float64(t.Sub(b.at)) * b.model.speed(len(b.streams))
	b.at = t
}

// byFinish is a heap of streams, the one to finish first on top.
type byFinish []*stream

func (h byFinish) Len() int           { return len(h) }
func (h byFinish) Less(i, j int) bool { return h[i].finish < h[j].finish }

func (h byFinish) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byFinish) Push(x any) {
	s := x.(*stream)
	s.index = len(*h)
	*h = append(*h, s)
}

func (h *byFinish) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return s
}
