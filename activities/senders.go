package activities

import (
	"context"
	"sync"

	"github.com/nightshift-run/nightshift/internal/pace"
)

// senders are the goroutines that send a shard's requests, as many as there are
// requests in flight or waiting for a retry. A sender that is done with one takes
// the next itself and keeps its slot, so that a request wakes nobody but its
// sender, when its answer is there; only where more may be in flight, the shard
// adds a sender. One that is done waits for more, which costs less than another
// with a stack that has to grow.
type senders struct {
	run      *shardRun
	lines    *lines
	inFlight context.Context // ends what is on the wire
	work     chan *sending
	running  sync.WaitGroup
}

func newSenders(run *shardRun, lines *lines, inFlight context.Context) *senders {
	return &senders{run: run, lines: lines, inFlight: inFlight, work: make(chan *sending)}
}

// addUntilOver adds a sender whenever there is a slot that none keeps, until no
// line is left to be taken.
func (s *senders) addUntilOver() {
	limiter, over := s.run.target.limiter, s.lines.over
	for limiter.AcquireSpare(over) == nil {
		first, short := s.lines.take()
		if first != nil {
			s.hand(first)
			continue
		}
		limiter.Release(pace.Outcome{Kind: pace.Abandoned})
		// A line that is larger than the memory that is left waits here, where it
		// holds no slot; and until it has been sent no other is taken.
		if short > 0 && s.lines.memory.Acquire(over, short) == nil {
			s.lines.memory.Release(short)
		}
	}
}

// hand gives a request, and the slot that the caller has, to a sender that is
// idle, or to a new one. It does not wait.
func (s *senders) hand(first *sending) {
	select {
	case s.work <- first:
	default:
		s.running.Go(func() {
			s.send(first)
			for next := range s.work {
				s.send(next)
			}
		})
	}
}

// send sends one request after the other for as long as it has a slot.
func (s *senders) send(next *sending) {
	var memory []byte
	for next != nil {
		next.memory = memory
		kept, err := next.run(s.run.taking, s.inFlight)
		s.lines.memory.Release(next.size())
		memory = next.memory
		if err != nil {
			s.run.stop(err)
		}
		if !kept {
			return
		}
		if next, _ = s.lines.take(); next == nil {
			s.run.target.limiter.Release(pace.Outcome{Kind: pace.Abandoned})
		}
	}
}

// finish waits until all is sent. Nothing can be handed over afterwards.
func (s *senders) finish() {
	close(s.work)
	s.running.Wait()
}
