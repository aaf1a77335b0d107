package batchfile

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"math/bits"
	"slices"
)

// Matcher finds the results of earlier batches that answer requests of a new
// one: those of the same custom_id and the same [RequestSum]. It is used in
// three passes:
//
//	every Request of the new batch, in any order
//	every Result, in an order that can be had again; then Match
//	the results once more in that order, each looked up with Answers
//
// Memory does not grow with the batches, but for 25 KB for every 256 Ki lines,
// which also take 6 MiB of temporary files. It compares 128-bit hashes, as the
// detection of duplicates does. It serves one goroutine.
type Matcher struct {
	high, low maphash.Seed
	asked     sightings // by requests: line is the index
	answered  sightings // by results: line is the ordinal
	pairs     sightings // high is the ordinal, scaled to all 64 bits; low that of the key; line is the index
	results   int64
	scratch   []byte

	partition int        // of pairs that is loaded; -1 is none
	loaded    []sighting // its pairs from here on, in the order of ordinals
}

// NewMatcher returns a matcher whose temporary files lie in dir, or in the
// system's temporary folder. Close must be called.
func NewMatcher(dir string) *Matcher {
	return &Matcher{
		high: maphash.MakeSeed(), low: maphash.MakeSeed(), partition: -1,
		asked: sightings{dir: dir}, answered: sightings{dir: dir}, pairs: sightings{dir: dir},
	}
}

func (m *Matcher) sighting(id []byte, sum uint64, line int64) sighting {
	m.scratch = binary.LittleEndian.AppendUint64(append(m.scratch[:0], id...), sum)
	return sighting{maphash.Bytes(m.high, m.scratch), maphash.Bytes(m.low, m.scratch), line}
}

// Request notes a request of the new batch: its decoded custom_id, its sum and
// its index.
func (m *Matcher) Request(id []byte, sum uint64, index int64) error {
	return m.asked.add(m.sighting(id, sum, index))
}

// Result notes the next result. Its ordinal is how many were noted before.
func (m *Matcher) Result(id []byte, sum uint64) error {
	m.results++
	return m.answered.add(m.sighting(id, sum, m.results-1))
}

// Match pairs requests and results, where several results answer one request
// the first of them, and returns how many requests have an answer.
func (m *Matcher) Match(ctx context.Context) (matched int64, err error) {
	var asked, answered []sighting
	for p := range partitions {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if asked, err = m.asked.sorted(p, asked[:0]); err != nil {
			return 0, err
		}
		if answered, err = m.answered.sorted(p, answered[:0]); err != nil {
			return 0, err
		}
		n, err := m.join(asked, answered)
		if err != nil {
			return 0, err
		}
		matched += n
	}
	return matched, nil
}

// join notes the pairs of two sorted partitions.
func (m *Matcher) join(asked, answered []sighting) (n int64, err error) {
	for _, request := range asked {
		for len(answered) > 0 && compareKeys(answered[0], request) < 0 {
			answered = answered[1:]
		}
		if len(answered) == 0 || compareKeys(answered[0], request) != 0 {
			continue
		}
		n++
		if err := m.pairs.add(sighting{uint64(answered[0].line) << m.shift(), request.low, request.line}); err != nil {
			return n, err
		}
	}
	return n, nil
}

func compareKeys(a, b sighting) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low))
}

// shift scales ordinals so that their highest bytes cut them into partitions.
func (m *Matcher) shift() int { return bits.LeadingZeros64(uint64(m.results)) }

// errOtherOrder is a result that is not the one which was noted in its place.
var errOtherOrder = errors.New("the earlier results changed while they were read")

// Answers tells which request of the new batch a result answers, if any. It is
// asked for ordinals in rising order, and finds out if the results come in
// another order than before.
func (m *Matcher) Answers(ordinal int64, id []byte, sum uint64) (index int64, ok bool, err error) {
	key := uint64(ordinal) << m.shift()
	if p := int(key >> 56); p != m.partition {
		if m.loaded, err = m.pairs.sorted(p, m.loaded[:0]); err != nil {
			return 0, false, err
		}
		m.partition = p
	}
	for len(m.loaded) > 0 && m.loaded[0].high < key {
		m.loaded = m.loaded[1:]
	}
	if len(m.loaded) == 0 || m.loaded[0].high != key {
		return 0, false, nil
	}
	pair := m.loaded[0]
	if m.sighting(id, sum, ordinal).low != pair.low {
		return 0, false, errOtherOrder
	}
	return pair.line, true, nil
}

// Close removes the temporary files.
func (m *Matcher) Close() error {
	return errors.Join(m.asked.close(), m.answered.close(), m.pairs.close())
}

// sightings are noted in memory up to residentIDs of them, and beyond in a
// temporary file.
type sightings struct {
	dir   string
	seen  []sighting
	spill *spill
}

func (s *sightings) add(one sighting) (err error) {
	s.seen = append(s.seen, one)
	if len(s.seen) < residentIDs {
		return nil
	}
	if s.spill == nil {
		if s.spill, err = newSpill(s.dir); err != nil {
			return err
		}
	}
	err = s.spill.write(s.seen)
	s.seen = s.seen[:0]
	return err
}

// sorted appends what was noted of one partition to dst, which is empty, and
// sorts it.
func (s *sightings) sorted(p int, dst []sighting) (_ []sighting, err error) {
	if s.spill != nil {
		if dst, err = s.spill.read(p, dst); err != nil {
			return nil, err
		}
	}
	for _, one := range s.seen {
		if int(one.high>>56) == p {
			dst = append(dst, one)
		}
	}
	slices.SortFunc(dst, compareSightings)
	return dst, nil
}

func (s *sightings) close() error {
	if s.spill == nil {
		return nil
	}
	return s.spill.close()
}
