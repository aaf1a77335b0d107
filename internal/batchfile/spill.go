package batchfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
)

const (
	partitions   = 256 // by the highest byte of the hash
	sightingSize = 24
)

// spill keeps sightings in one temporary file, as runs that are each ordered by
// partition. The file loses its name at once where the system allows it, so
// that it vanishes with the process however that ends.
type spill struct {
	file    *os.File
	removed bool
	size    int64
	runs    []run
	buf     []byte
}

// run is what one write added: partition p lies between ends[p-1] and ends[p],
// in bytes from offset.
type run struct {
	offset int64
	ends   [partitions]uint32
}

// newSpill makes the file in dir, or in the system's temporary folder.
func newSpill(dir string) (*spill, error) {
	file, err := os.CreateTemp(dir, "batchfile-ids-*")
	if err != nil {
		return nil, fmt.Errorf("spill custom_ids: %w", err)
	}
	return &spill{file: file, removed: os.Remove(file.Name()) == nil}, nil
}

// write appends a run.
func (s *spill) write(seen []sighting) error {
	r := run{offset: s.size}
	for _, one := range seen {
		r.ends[one.high>>56] += sightingSize
	}
	var next [partitions]uint32
	for p := 1; p < partitions; p++ {
		next[p] = r.ends[p-1]
		r.ends[p] += r.ends[p-1]
	}
	s.buf = resize(s.buf, len(seen)*sightingSize)
	for _, one := range seen {
		p := one.high >> 56
		putSighting(s.buf[next[p]:], one)
		next[p] += sightingSize
	}
	if _, err := s.file.WriteAt(s.buf, s.size); err != nil {
		return fmt.Errorf("spill custom_ids: %w", err)
	}
	s.size += int64(len(s.buf))
	s.runs = append(s.runs, r)
	return nil
}

// read appends all sightings of partition p to dst.
func (s *spill) read(p int, dst []sighting) ([]sighting, error) {
	for i := range s.runs {
		r := &s.runs[i]
		start := uint32(0)
		if p > 0 {
			start = r.ends[p-1]
		}
		s.buf = resize(s.buf, int(r.ends[p]-start))
		if _, err := s.file.ReadAt(s.buf, r.offset+int64(start)); err != nil {
			return nil, fmt.Errorf("read spilled custom_ids: %w", err)
		}
		for b := s.buf; len(b) > 0; b = b[sightingSize:] {
			dst = append(dst, getSighting(b))
		}
	}
	return dst, nil
}

// close closes the file and removes it.
func (s *spill) close() error {
	err := s.file.Close()
	if !s.removed {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	if err != nil {
		return fmt.Errorf("remove spilled custom_ids: %w", err)
	}
	return nil
}

func putSighting(b []byte, s sighting) {
	binary.LittleEndian.PutUint64(b, s.high)
	binary.LittleEndian.PutUint64(b[8:], s.low)
	binary.LittleEndian.PutUint64(b[16:], uint64(s.line))
}

func getSighting(b []byte) sighting {
	return sighting{
		high: binary.LittleEndian.Uint64(b),
		low:  binary.LittleEndian.Uint64(b[8:]),
		line: int64(binary.LittleEndian.Uint64(b[16:])),
	}
}

// resize returns a slice of n bytes, b's memory where it is enough.
func resize(b []byte, n int) []byte {
	return slices.Grow(b[:0], n)[:n]
}
