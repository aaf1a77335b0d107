package pace

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// model is one replica with continuous batching: all streams advance together,
// a token per interval, and the interval grows with their number.
type model struct {
	interval time.Duration // between tokens of one stream, unloaded
	ttft     time.Duration // to the first token, unloaded
	knee     int           // streams at which the replica saturates
	smooth   bool          // the interval grows from the first stream on, not from the knee on
}

// short and long are models of 64 streams, with what the answers need for
// seconds and for minutes.
var (
	short = model{interval: 10 * time.Millisecond, ttft: 100 * time.Millisecond, knee: 64}
	long  = model{interval: 20 * time.Millisecond, ttft: 500 * time.Millisecond, knee: 64}
)

// secondsPerToken is the interval with so many streams.
func (m model) secondsPerToken(streams int) float64 {
	load := float64(streams) / float64(m.knee)
	if m.smooth {
		load++
	}
	return m.interval.Seconds() * max(1, load)
}

// stream is a request being answered.
type stream struct {
	finish float64 // in tokens of the replica's clock
	tokens int64
	sent   time.Time
	done   func(Outcome)
}

// replica holds its streams by finish.
type replica struct {
	clock   float64 // tokens that every stream has advanced
	streams []stream
}

func (r *replica) Len() int           { return len(r.streams) }
func (r *replica) Less(i, j int) bool { return r.streams[i].finish < r.streams[j].finish }
func (r *replica) Swap(i, j int)      { r.streams[i], r.streams[j] = r.streams[j], r.streams[i] }
func (r *replica) Push(x any)         { r.streams = append(r.streams, x.(stream)) }
func (r *replica) Pop() any {
	last := r.streams[len(r.streams)-1]
	r.streams = r.streams[:len(r.streams)-1]
	return last
}

// server is an endpoint: replicas behind a router that picks the least loaded.
type server struct {
	mu       sync.Mutex
	model    model
	replicas []*replica
	last     time.Time // when the clocks were brought up to date
	wake     chan struct{}
}

// startServer runs a server until ctx ends.
func startServer(ctx context.Context, m model, replicas int) *server {
	s := &server{model: m, last: time.Now(), wake: make(chan struct{}, 1)}
	s.scale(replicas)
	go s.run(ctx)
	return s
}

// scale changes the number of replicas; those that go fail their streams.
func (s *server) scale(n int) {
	s.mu.Lock()
	var gone []*replica
	if n < len(s.replicas) {
		s.replicas, gone = s.replicas[:n], s.replicas[n:]
	}
	for len(s.replicas) < n {
		s.replicas = append(s.replicas, &replica{})
	}
	s.mu.Unlock()
	for _, r := range gone {
		for _, one := range r.streams {
			one.done(Outcome{Kind: Failed, Latency: time.Since(one.sent)})
		}
	}
}

// send starts a request; done is called with its outcome.
func (s *server) send(tokens int64, done func(Outcome)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	least := s.replicas[0]
	for _, r := range s.replicas {
		if r.Len() < least.Len() {
			least = r
		}
	}
	work := float64(tokens) + s.model.ttft.Seconds()/s.model.interval.Seconds()
	heap.Push(least, stream{least.clock + work, tokens, time.Now(), done})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// advance brings the replicas' clocks up to date.
func (s *server) advance() {
	passed := time.Since(s.last).Seconds()
	s.last = time.Now()
	for _, r := range s.replicas {
		r.clock += passed / s.model.secondsPerToken(r.Len())
	}
}

// finished takes out what is answered, and says how long until the next is.
func (s *server) finished() (done []stream, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	next = time.Hour
	for _, r := range s.replicas {
		for r.Len() > 0 && r.streams[0].finish <= r.clock+1e-6 {
			done = append(done, heap.Pop(r).(stream))
		}
		if r.Len() > 0 {
			left := (r.streams[0].finish - r.clock) * s.model.secondsPerToken(r.Len())
			next = min(next, time.Duration(left*1e9)+1)
		}
	}
	return done, next
}

func (s *server) run(ctx context.Context) {
	timer := time.NewTimer(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		done, next := s.finished()
		for _, one := range done {
			one.done(Outcome{Kind: OK, Tokens: one.tokens, Latency: time.Since(one.sent)})
		}
		timer.Reset(next)
	}
}

// lengths draws the tokens of an answer.
type lengths func(*rand.Rand) int64

func exactly(n int64) lengths { return func(*rand.Rand) int64 { return n } }

// around is exponential: many short answers, few long ones.
func around(mean float64) lengths {
	return func(r *rand.Rand) int64 { return 1 + int64(r.ExpFloat64()*mean) }
}

// worker keeps a Limiter busy with requests to a server.
type worker struct {
	*Limiter
	mu     sync.Mutex
	tokens int64 // received
}

// startWorker runs a worker until ctx ends. Without usage it does not tell the
// Limiter how many tokens an answer has.
func startWorker(ctx context.Context, l *Limiter, s *server, answers lengths, usage bool, seed uint64) *worker {
	w := &worker{Limiter: l}
	random := rand.New(rand.NewPCG(seed, 0))
	go func() {
		for l.Acquire(ctx) == nil {
			s.send(answers(random), func(outcome Outcome) {
				w.mu.Lock()
				w.tokens += outcome.Tokens
				w.mu.Unlock()
				if !usage {
					outcome.Tokens = 0
				}
				l.Release(outcome)
			})
		}
	}()
	return w
}

// received returns the tokens per second over the next while of the bubble's time.
func received(t *testing.T, during time.Duration, workers ...*worker) []float64 {
	t.Helper()
	read := func() (total []float64) {
		for _, w := range workers {
			w.mu.Lock()
			total = append(total, float64(w.tokens))
			w.mu.Unlock()
		}
		return total
	}
	before := read()
	pass(during)
	after := read()
	for i := range after {
		after[i] = (after[i] - before[i]) / during.Seconds()
	}
	return after
}

// pass lets the bubble's time go by.
func pass(during time.Duration) { <-time.After(during) }
