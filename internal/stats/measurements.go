package stats

import (
	"sync"
	"time"
)

// Kind says what came of one try.
type Kind int

// The kinds of tries.
const (
	Answered  Kind = iota // an answer that counts
	Refused               // a no that counts, since no other try would succeed
	Failed                // no usable answer
	Throttled             // the endpoint asked for a pause
	Gone                  // the endpoint was not there
)

// Try is one request on the wire.
type Try struct {
	Began                     time.Time
	Took                      time.Duration
	Kind                      Kind
	Final                     bool  // it gave the request its result
	InputTokens, OutputTokens int64 // as the endpoint counted them
}

// Tries counts requests on the wire by what came of them.
type Tries struct {
	Sent      int64 `json:"sent"`
	Refused   int64 `json:"refused"`
	Failed    int64 `json:"failed"` // no usable answer: sent again, but for the last attempt
	Throttled int64 `json:"throttled"`
	Gone      int64 `json:"gone"` // the endpoint was not there
}

// Measurements are what attempts at shards measured. The zero value is empty.
//
// They count what was measured, not what the job has: an attempt that is killed
// loses what it had not yet noted down, which is at most half a minute, and a
// request that two attempts answered is counted twice. Requests that were cut
// off in flight, as at the end of a job that is cancelled, are not in it. How
// many results there are is for the results themselves to say.
type Measurements struct {
	Attempts int64     `json:"attempts"` // at shards, that noted something down
	Results  int64     `json:"results"`  // requests that were seen to get their result
	Tries    Tries     `json:"tries"`
	Latency  Histogram `json:"latency_seconds"`   // of answers: of the try that brought it, without waits before it
	Speed    Histogram `json:"tokens_per_second"` // of answers: output tokens over that time
	Series   Series    `json:"series"`
	Errors   Faults    `json:"errors"` // exact: from the results themselves
}

// Merge adds what other measured. Errors are not merged: they are collected
// once, and not by attempts.
func (m *Measurements) Merge(other *Measurements) {
	m.Attempts += other.Attempts
	m.Results += other.Results
	m.Tries.Sent += other.Tries.Sent
	m.Tries.Refused += other.Tries.Refused
	m.Tries.Failed += other.Tries.Failed
	m.Tries.Throttled += other.Tries.Throttled
	m.Tries.Gone += other.Tries.Gone
	m.Latency.Merge(&other.Latency)
	m.Speed.Merge(&other.Speed)
	m.Series.Merge(&other.Series)
}

// Add takes one try.
func (m *Measurements) Add(t Try) {
	m.Tries.Sent++
	switch t.Kind {
	case Answered:
		m.Latency.Add(t.Took.Seconds())
		if t.OutputTokens > 0 && t.Took > 0 {
			m.Speed.Add(float64(t.OutputTokens) / t.Took.Seconds())
		}
	case Refused:
		m.Tries.Refused++
	case Failed:
		m.Tries.Failed++
	case Throttled:
		m.Tries.Throttled++
	case Gone:
		m.Tries.Gone++
	}
	point := Point{Again: 1}
	if t.Final {
		m.Results++
		point = Point{Requests: 1, InputTokens: t.InputTokens, OutputTokens: t.OutputTokens}
	}
	m.Series.Add(t.Began, t.Took, point)
}

// Recorder gathers the measurements of one attempt at a shard. Its zero value
// is empty; it is safe for concurrent use. A try costs no allocation.
type Recorder struct {
	mu       sync.Mutex
	measured Measurements
}

// Add takes one try.
func (r *Recorder) Add(t Try) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.measured.Attempts = 1
	r.measured.Add(t)
}

// Snapshot returns a copy of what was measured so far.
func (r *Recorder) Snapshot() Measurements {
	r.mu.Lock()
	defer r.mu.Unlock()
	measured := r.measured
	measured.Series = r.measured.Series.clone()
	return measured
}
