package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// claim is an object below <output>/.nightshift/_claims/ that says whose the
// output is. Claims are numbered, each is put only if there is none of its
// number, and the newest counts: so of jobs that want an output at the same
// moment one gets it, on every kind of store.
type claim struct {
	Job string    `json:"job"`
	Run string    `json:"run"` // of the job's workflow, the first one: the same id may come again on another server
	At  time.Time `json:"at"`

	url    string
	number int
}

// recentClaims is how many claims of one output are looked at.
const recentClaims = 100

func claimsFolder(output string) string {
	return bucket.Join(output, ".nightshift", "_claims") + "/"
}

// claimURL is where a claim of that number lies.
func claimURL(output string, number int) string {
	return claimsFolder(output) + fmt.Sprintf("%08d.json", number)
}

// readClaims returns the recent claims of an output, the newest first.
func readClaims(ctx context.Context, store *bucket.Store, output string) ([]claim, error) {
	var claims []claim
	for object, err := range store.List(ctx, claimsFolder(output)) {
		if err != nil {
			return nil, fmt.Errorf("claims of the output: %w", err)
		}
		number, err := strconv.Atoi(strings.TrimSuffix(path.Base(object.URL), ".json"))
		if err != nil {
			continue // nobody of us has written it
		}
		claims = append(claims, claim{url: object.URL, number: number})
		claims = claims[max(0, len(claims)-recentClaims):]
	}
	slices.Reverse(claims)
	for i := range claims {
		if err := getJSON(ctx, store, claims[i].url, &claims[i]); err != nil {
			return nil, fmt.Errorf("claims of the output: %w", err)
		}
	}
	return claims, nil
}

// newestClaim returns the URL of the newest claim; empty without one.
func newestClaim(ctx context.Context, store *bucket.Store, output string) (newest string, err error) {
	for object, err := range store.List(ctx, claimsFolder(output)) {
		if err != nil {
			return "", fmt.Errorf("claims of the output: %w", err)
		}
		newest = object.URL
	}
	return newest, nil
}

// maxSmallObject bounds an object of nightshift's own that is read as a whole,
// in bytes.
const maxSmallObject = 16 << 20

// getJSON reads a small object of nightshift's own.
func getJSON(ctx context.Context, store *bucket.Store, url string, into any) error {
	reader, err := store.Open(ctx, url, bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := json.NewDecoder(io.LimitReader(reader, maxSmallObject)).Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", url, err)
	}
	return nil
}

// readManifest reads the manifest below an output; found is false without one.
func readManifest(ctx context.Context, store *bucket.Store, output string) (m manifest, found bool, err error) {
	err = getJSON(ctx, store, bucket.Join(output, manifestFile), &m)
	if errors.Is(err, bucket.ErrNotFound) {
		return manifest{}, false, nil
	}
	return m, err == nil, err
}
