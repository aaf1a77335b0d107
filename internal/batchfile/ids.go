package batchfile

import (
	"context"
	"hash/maphash"
)

// idSet finds the custom_ids that are used more than once. It compares 128-bit
// hashes under two random seeds: among n different ids, the probability that
// any two are taken for the same is about n²/2¹²⁹, so 1.5e-23 for 100 million.
type idSet struct {
	*sorter
	high, low maphash.Seed
}

func newIDSet(spillDir string) *idSet {
	return &idSet{sorter: newSorter(spillDir), high: maphash.MakeSeed(), low: maphash.MakeSeed()}
}

// add notes that a line uses id, which is decoded: "a" and "\u0061" are the
// same.
func (s *idSet) add(id []byte, line int64) error {
	return s.sorter.add(sighting{maphash.Bytes(s.high, id), maphash.Bytes(s.low, id), line})
}

// duplicates calls report for every use of an id but the first, with the line
// of the first.
func (s *idSet) duplicates(ctx context.Context, report func(line, first int64) error) error {
	return s.each(ctx, func(part []sighting) error { return findDuplicates(part, report) })
}

// findDuplicates looks at sightings in order.
func findDuplicates(seen []sighting, report func(line, first int64) error) error {
	first := 0
	for i := 1; i < len(seen); i++ {
		if seen[i].high != seen[first].high || seen[i].low != seen[first].low {
			first = i
		} else if err := report(seen[i].line, seen[first].line); err != nil {
			return err
		}
	}
	return nil
}
