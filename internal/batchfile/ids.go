package batchfile

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
)

// residentIDs is how many custom_ids are remembered before they are spilled to
// disk: 6 MiB.
const residentIDs = 256 << 10

// sighting is a custom_id's hash and the line, over all inputs, that has it.
type sighting struct {
	high, low uint64
	line      int64
}

func compareSightings(a, b sighting) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low), cmp.Compare(a.line, b.line))
}

// idSet finds the custom_ids that are used more than once. It compares 128-bit
// hashes under two random seeds: among n different ids, the probability that
// any two are taken for the same is about n²/2¹²⁹, so 1.5e-23 for 100 million.
type idSet struct {
	high, low maphash.Seed
	resident  int // sightings to hold in memory
	seen      []sighting
	spillDir  string
	spill     *spill // nil until seen was full once
}

func newIDSet(spillDir string) *idSet {
	return &idSet{high: maphash.MakeSeed(), low: maphash.MakeSeed(), resident: residentIDs, spillDir: spillDir}
}

// add notes that a line uses id, which is decoded: "a" and "\u0061" are the
// same.
func (s *idSet) add(id []byte, line int64) error {
	s.seen = append(s.seen, sighting{maphash.Bytes(s.high, id), maphash.Bytes(s.low, id), line})
	if len(s.seen) < s.resident {
		return nil
	}
	return s.flush()
}

func (s *idSet) flush() error {
	if s.spill == nil {
		spill, err := newSpill(s.spillDir)
		if err != nil {
			return err
		}
		s.spill = spill
	}
	err := s.spill.write(s.seen)
	s.seen = s.seen[:0]
	return err
}

// duplicates calls report for every use of an id but the first, with the line
// of the first. It holds one partition in memory at a time: the 256th part of
// all, 10 MB for 100 million.
func (s *idSet) duplicates(ctx context.Context, report func(line, first int64)) error {
	if s.spill == nil {
		findDuplicates(s.seen, report)
		return ctx.Err()
	}
	if err := s.flush(); err != nil {
		return err
	}
	for p := range partitions {
		if err := ctx.Err(); err != nil {
			return err
		}
		part, err := s.spill.read(p, s.seen[:0])
		if err != nil {
			return err
		}
		findDuplicates(part, report)
		s.seen = part
	}
	return nil
}

// close removes what was spilled.
func (s *idSet) close() error {
	if s.spill == nil {
		return nil
	}
	return s.spill.close()
}

func findDuplicates(seen []sighting, report func(line, first int64)) {
	slices.SortFunc(seen, compareSightings)
	first := 0
	for i := 1; i < len(seen); i++ {
		if seen[i].high == seen[first].high && seen[i].low == seen[first].low {
			report(seen[i].line, seen[first].line)
		} else {
			first = i
		}
	}
}
