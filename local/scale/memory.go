package scale

import (
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/local/parts"
)

// Memory is the resident set of a process, in MB.
type Memory struct {
	Peak float64 // at any time

	// The most at any sample while requests were sent, in the first half of the
	// lines and in the second: equal where memory is flat.
	FirstHalf, SecondHalf float64
}

// sampleEvery is how often the resident set is read.
const sampleEvery = 500 * time.Millisecond

// memory watches a process.
type memory struct {
	pid  int
	end  chan struct{}
	once sync.Once

	mu   sync.Mutex
	seen Memory
	half *float64 // of seen, to which samples go; nil while nothing is sent
}

func watchMemory(pid int) *memory {
	m := &memory{pid: pid, end: make(chan struct{})}
	go func() {
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				m.sample()
			case <-m.end:
				return
			}
		}
	}()
	return m
}

func (m *memory) stop() { m.once.Do(func() { close(m.end) }) }

// sending says whether requests are sent at the moment, and of which half.
func (m *memory) sending(yes, second bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !yes:
		m.half = nil
	case second:
		m.half = &m.seen.SecondHalf
	default:
		m.half = &m.seen.FirstHalf
	}
}

// sample reads the resident set; of a process that is gone there is none.
func (m *memory) sample() {
	held := parts.MemoryOf(m.pid)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.Peak = max(m.seen.Peak, float64(held.Most)/1e6)
	if m.half != nil {
		*m.half = max(*m.half, float64(held.Now)/1e6)
	}
}

// read is what was seen so far.
func (m *memory) read() Memory {
	m.sample()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}
