package activities

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// digestOf tells one set of input objects from another: it changes when an
// object comes, goes, or has another version.
func digestOf(inputs []pinned) string {
	sum := sha256.New()
	for _, input := range inputs {
		fmt.Fprintf(sum, "%q %d %q\n", input.URL, input.Size, input.ETag)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
