package sim

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// traffic counts what the data plane saw.
type traffic struct {
	received, inFlight, maxInFlight atomic.Int64
	beforeReady                     atomic.Int64
	promptTokens, completionTokens  atomic.Int64
	statuses                        [600]atomic.Int64
	bodies                          bodySet
}

func (t *traffic) enter() {
	t.received.Add(1)
	n := t.inFlight.Add(1)
	for seen := t.maxInFlight.Load(); n > seen; seen = t.maxInFlight.Load() {
		if t.maxInFlight.CompareAndSwap(seen, n) {
			return
		}
	}
}

func (t *traffic) leave(status int) {
	t.statuses[status].Add(1)
	t.inFlight.Add(-1)
}

func (t *traffic) read() Traffic {
	out := Traffic{
		Received: t.received.Load(), InFlight: t.inFlight.Load(), MaxInFlight: t.maxInFlight.Load(),
		BeforeReady:  t.beforeReady.Load(),
		PromptTokens: t.promptTokens.Load(), CompletionTokens: t.completionTokens.Load(),
		Statuses: map[int]int64{},
	}
	for status := range t.statuses {
		if n := t.statuses[status].Load(); n > 0 {
			out.Statuses[status] = n
		}
	}
	t.bodies.read(&out)
	return out
}

// bodyLimit bounds the hashes of bodies that are remembered: about 80 MB.
const bodyLimit = 4_000_000

// bodySet remembers which request bodies were seen, by hash. The chance that
// any two of four million bodies share a hash is 1 in 2 million.
type bodySet struct {
	limit int
	seed  maphash.Seed

	mu         sync.Mutex
	seen       map[uint64]struct{}
	repeats    int64
	overflowed bool
}

func newBodySet(limit int) bodySet {
	return bodySet{limit: limit, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
}

// add remembers a body whose value of "model" lies at the span given.
func (b *bodySet) add(body []byte, model span) {
	var h maphash.Hash
	h.SetSeed(b.seed)
	h.Write(body[:model.from])
	h.Write(body[model.to:])
	sum := h.Sum64()

	b.mu.Lock()
	defer b.mu.Unlock()
	_, again := b.seen[sum]
	switch {
	case again:
		b.repeats++
	case len(b.seen) < b.limit:
		b.seen[sum] = struct{}{}
	default:
		b.overflowed = true
	}
}

func (b *bodySet) read(out *Traffic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out.DistinctBodies, out.RepeatedBodies, out.Overflowed = int64(len(b.seen)), b.repeats, b.overflowed
}
