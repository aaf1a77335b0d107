package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// gcPercent is how much a worker's heap grows between collections, beyond
	// what is alive, where that is large: a fifth of its memory is garbage then.
	gcPercent = 25
	// gcFloor is how much it grows at least, in bytes. Sending keeps little alive,
	// and a quarter of little would be collected many times a second. It leaves a
	// worker below 100 MB.
	gcFloor = 6 << 20
)

// tuneCollector sets after every collection how much garbage may gather until
// the next. GOGC in the environment overrides it. Go's record of who allocated
// what is not kept: it is a megabyte or two that nobody could ask for.
func tuneCollector() {
	runtime.MemProfileRate = 0
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(gcPercent)
	afterCollection(new(sentinel))
}

// sentinel is garbage from the beginning, so that its finalizer runs after each
// collection. It must not share its memory with another object.
type sentinel struct{ _ [64]byte }

func afterCollection(s *sentinel) {
	runtime.SetFinalizer(s, func(s *sentinel) {
		debug.SetGCPercent(percentFor(liveHeap()))
		afterCollection(s)
	})
}

// percentFor is the growth for a live heap of so many bytes, in percent.
func percentFor(live uint64) int {
	return max(gcPercent, int(100*gcFloor/max(live, gcFloor/8)))
}

// liveHeap is what the last collection left, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
