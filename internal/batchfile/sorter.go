package batchfile

import (
	"cmp"
	"context"
	"slices"
)

// residentIDs is how many sightings are held in memory before they are
// spilled to disk: 6 MiB.
const residentIDs = 256 << 10

// sighting is something that was seen on a line, numbered over all inputs: a
// custom_id's hash, say.
type sighting struct {
	high, low uint64
	line      int64
}

func compareSightings(a, b sighting) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low), cmp.Compare(a.line, b.line))
}

// sorter brings any number of sightings into order.
type sorter struct {
	resident int // sightings to hold in memory
	seen     []sighting
	spillDir string
	spill    *spill // nil until seen was full once
}

func newSorter(spillDir string) *sorter {
	return &sorter{resident: residentIDs, spillDir: spillDir}
}

func (s *sorter) add(one sighting) error {
	s.seen = append(s.seen, one)
	if len(s.seen) < s.resident {
		return nil
	}
	return s.flush()
}

func (s *sorter) flush() error {
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

// each calls use with all sightings in order, some at a time. It holds one
// partition in memory: the 256th part of all where the highest bytes are evenly
// spread, so 10 MB for 100 million.
func (s *sorter) each(ctx context.Context, use func([]sighting) error) error {
	if s.spill == nil {
		slices.SortFunc(s.seen, compareSightings)
		return cmp.Or(use(s.seen), ctx.Err())
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
		s.seen = part
		slices.SortFunc(part, compareSightings)
		if err := use(part); err != nil {
			return err
		}
	}
	return nil
}

// close removes what was spilled.
func (s *sorter) close() error {
	if s.spill == nil {
		return nil
	}
	return s.spill.close()
}
