// Package spell finds the known name that a misspelt one was meant to be.
package spell

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest returns the name in known that takes the fewest edits to reach from
// word, or "" when none is close enough to be a likely slip: at most one edit
// in three characters, case ignored.
func Nearest(word string, known []string) string {
	if len(known) == 0 {
		return ""
	}
	word = strings.ToLower(word)
	best := slices.MinFunc(known, func(a, b string) int {
		return cmp.Compare(distance(word, strings.ToLower(a)), distance(word, strings.ToLower(b)))
	})
	if distance(word, strings.ToLower(best)) > max(1, len(word)/3) {
		return ""
	}
	return best
}

// Suggest formats what to say after an unknown name: the nearest one if there
// is one, and the list.
func Suggest(word string, known []string) string {
	list := "known: " + strings.Join(known, ", ")
	if near := Nearest(word, known); near != "" {
		return "did you mean " + near + "? (" + list + ")"
	}
	return list
}

// distance is how many bytes are to be inserted, left out, changed, or swapped
// with their neighbour.
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
