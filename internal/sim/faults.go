package sim

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// faults are the faults that wait for a call to strike.
type faults struct {
	any atomic.Bool // whether there are some: spares calls the lock

	mu    sync.Mutex
	armed []*armedFault
	fired map[Kind]int64
}

type armedFault struct {
	Fault
	seen   int // calls it could have struck
	struck int
}

func (l *faults) add(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = append(l.armed, &armedFault{Fault: f})
	l.any.Store(true)
}

func (l *faults) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = nil
	l.any.Store(false)
}

// next returns the fault that strikes a call of that operation, if one does.
func (l *faults) next(op, group string) (Fault, bool) {
	if !l.any.Load() {
		return Fault{}, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.armed {
		if f.Op != "" && f.Op != op && f.Op != group {
			continue
		}
		f.seen++
		if f.Every > 1 && f.seen%f.Every != 0 {
			continue
		}
		f.struck++
		if f.struck == f.Count {
			l.armed = slices.Delete(l.armed, i, i+1)
			l.any.Store(len(l.armed) > 0)
		}
		l.fired[f.Kind]++
		return f.Fault, true
	}
	return Fault{}, false
}

func (l *faults) firings() map[Kind]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.fired)
}
