package activities

import (
	"context"
	"errors"
	"iter"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/nightshift-run/nightshift/internal/batchfile"
)

// lines are a shard's requests on their way to the senders, which take them one
// by one. They are read when they are taken, so that none waits in memory but
// what the order of sending looks at.
type lines struct {
	memory  *semaphore.Weighted // bytes of requests in this process
	over    context.Context     // ends when there is nothing left to take
	end     context.CancelCauseFunc
	mu      sync.Mutex
	next    func() (*sending, error, bool)
	stop    func()
	waiting *sending // read, and there was no memory for it
}

// newLines begins to read; close must be called. Nothing is taken any more when
// taking ends.
func newLines(taking context.Context, memory *semaphore.Weighted, requests iter.Seq2[*sending, error]) *lines {
	l := &lines{memory: memory}
	l.over, l.end = context.WithCancelCause(taking)
	l.next, l.stop = iter.Pull2(requests)
	return l
}

// take returns the next request and accounts for its memory, which the caller
// gives back. It returns nil when there is none, or not enough memory yet: then
// it says how much.
func (l *lines) take() (s *sending, short int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over.Err() != nil {
		return nil, 0
	}
	s = l.waiting
	if s == nil {
		var err error
		if s, err, _ = l.next(); s == nil {
			l.end(err)
			return nil, 0
		}
	}
	if !l.memory.TryAcquire(s.size()) {
		l.waiting = s
		return nil, s.size()
	}
	l.waiting = nil
	return s, 0
}

// close ends the reading, and returns why it ended before its time.
func (l *lines) close() error {
	l.end(nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	if err := context.Cause(l.over); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// errEnough ends an iteration whose consumer has had enough.
var errEnough = errors.New("enough")

// ordered are the shard's requests without a result, in the order in which they
// are to be sent.
func (run *shardRun) ordered() iter.Seq2[*sending, error] {
	return func(yield func(*sending, error) bool) {
		line := &ordering{order: run.call.Requests.Order, pass: func(s *sending) error {
			if !yield(s, nil) {
				return errEnough
			}
			return nil
		}}
		err := run.eachLine(run.taking, func(request batchfile.Request, index int64) error {
			return line.add(newSending(run, request, index))
		})
		if err == nil {
			err = line.flush()
		}
		if err != nil && err != errEnough {
			yield(nil, err)
		}
	}
}
