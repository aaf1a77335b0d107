package activities

import "sync"

// senders are the goroutines that send a shard's requests. One that is done with
// a request waits for the next, which costs less than another with a stack that
// has to grow.
type senders struct {
	work    chan func()
	running sync.WaitGroup
}

func newSenders() *senders { return &senders{work: make(chan func())} }

// hand gives work to a sender that is idle, or to a new one. It does not wait.
func (s *senders) hand(work func()) {
	select {
	case s.work <- work:
	default:
		s.running.Go(func() {
			work()
			for next := range s.work {
				next()
			}
		})
	}
}

// finish waits until all work is done. Nothing can be handed over afterwards.
func (s *senders) finish() {
	close(s.work)
	s.running.Wait()
}
