package jobs

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// MaxID is the longest job id; it keeps the names derived from it within every
// provider's limits.
const MaxID = 63

// NewID makes an id for a job of that name: it sorts by time, can be read
// aloud, and two submitted in the same second differ.
//
//	20261121-020000-nightly-summaries-k3fq
func NewID(name string, now time.Time) string {
	const alphabet = "abcdefghijkmnpqrstuvwxyz23456789" // nothing that looks like something else
	var end [4]byte
	for i := range end {
		end[i] = alphabet[rand.IntN(len(alphabet))]
	}
	return fmt.Sprintf("%s-%s-%s", now.UTC().Format("20060102-150405"), name, end[:])
}

// CheckID reports what is wrong with a job id that a person chose.
func CheckID(id string) error {
	if !validName.MatchString(id) || len(id) > MaxID {
		return fmt.Errorf("job id %q: must be lower-case letters, digits and dashes, at most %d", id, MaxID)
	}
	return nil
}
