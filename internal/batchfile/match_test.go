package batchfile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestMatcher_PairsByIDAndSum notes more than what is held in memory.
func TestMatcher_PairsByIDAndSum(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 1000, 2*residentIDs + 77} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			m := NewMatcher(t.TempDir())
			defer func() {
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			}()
			id := func(i int) []byte { return fmt.Appendf(nil, "r-%d", i) }
			note := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			for i := range n {
				note(m.Request(id(i), uint64(i%7), int64(i)))
			}
			// Of the results, every third has another body; each comes twice, in an
			// order of its own; and some answer nothing.
			order := rand.Perm(n)
			for _, i := range order {
				sum := uint64(i % 7)
				if i%3 == 0 {
					sum += 100
				}
				note(m.Result(id(i), sum))
			}
			for _, i := range order {
				note(m.Result(id(i), uint64(i%7)))
				note(m.Result(id(n+i), 0))
			}
			matched, err := m.Match(t.Context())
			note(err)
			if matched != int64(n) {
				t.Errorf("%d of %d requests have an answer", matched, n)
			}
			var ordinal int64
			expect := func(of, want int, sum uint64, ok bool) {
				index, found, err := m.Answers(ordinal, id(of), sum)
				note(err)
				if found != ok || ok && index != int64(want) {
					t.Fatalf("result %d answers %d, %v; want %d, %v", ordinal, index, found, want, ok)
				}
				ordinal++
			}
			for _, i := range order {
				sum := uint64(i % 7)
				if i%3 == 0 {
					sum += 100
				}
				expect(i, i, sum, i%3 != 0)
			}
			for _, i := range order {
				expect(i, i, uint64(i%7), i%3 == 0)
				expect(n+i, 0, 0, false)
			}
		})
	}
}

func TestMatcher_NoticesAnotherOrder(t *testing.T) {
	t.Parallel()
	m := NewMatcher(t.TempDir())
	for i, id := range []string{"a", "b"} {
		if err := errors.Join(m.Request([]byte(id), 1, int64(i)), m.Result([]byte(id), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if matched, err := m.Match(t.Context()); matched != 2 || err != nil {
		t.Fatal(matched, err)
	}
	if index, ok, err := m.Answers(0, []byte("b"), 1); err == nil {
		t.Errorf("the second result in the place of the first answers %d, %v", index, ok)
	}
}
