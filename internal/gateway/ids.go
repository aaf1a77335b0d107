package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"regexp"
	"time"
)

// The kinds of ids, which are their beginnings.
const (
	fileKind   = "file-"
	batchKind  = "batch_"
	uploadKind = "upload_"
	partKind   = "part_"
)

const (
	idDigits = "0123456789abcdefghijklmnopqrstuv" // in byte order; lower case, since a batch's id becomes a job's
	timeSize = 9                                  // digits: milliseconds of a thousand years
	restSize = 15                                 // digits: 75 bits
)

// newID makes an id that nobody can guess and that comes, in byte order, before
// those made earlier.
func newID(kind string, at time.Time) string {
	var random [restSize]byte
	_, _ = rand.Read(random[:]) // never fails
	return makeID(kind, at, random[:])
}

// idOf makes the id that follows from a time and a name, for things that several
// servers may make.
func idOf(kind string, at time.Time, name string) string {
	sum := sha256.Sum256([]byte(name))
	return makeID(kind, at, sum[:restSize])
}

// firstID comes, in byte order, before all ids made then or earlier.
func firstID(kind string, at time.Time) string { return makeID(kind, at, make([]byte, restSize)) }

func makeID(kind string, at time.Time, rest []byte) string {
	left := uint64(1)<<(5*timeSize) - 1 - uint64(at.UnixMilli())
	id := make([]byte, timeSize+restSize)
	for i := timeSize - 1; i >= 0; i-- {
		id[i] = idDigits[left%32]
		left /= 32
	}
	for i, b := range rest {
		id[timeSize+i] = idDigits[b%32]
	}
	return kind + string(id)
}

var idPattern = regexp.MustCompile(`^(file-|batch_|upload_|part_)[0-9a-v]{24}$`)

// isID reports whether a text can be an id of a kind. Nothing else comes into
// a key.
func isID(kind, text string) bool {
	parts := idPattern.FindStringSubmatch(text)
	return parts != nil && parts[1] == kind
}
