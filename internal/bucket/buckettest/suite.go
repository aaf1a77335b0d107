// Package buckettest holds the conformance suite of package bucket, which every
// kind of store must pass, and a proxy that puts faults in front of an S3
// server.
package buckettest

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// Run checks all that package bucket promises alike for every kind of store.
// base is the URL of a folder that nobody else uses; it need not exist.
func Run(t *testing.T, store *bucket.Store, base string) {
	tests := []struct {
		name string
		run  func(place)
	}{
		{"Keys", place.keys},
		{"Put", place.put},
		{"PutIfAbsent", place.putIfAbsent},
		{"PutIfAbsentRace", place.putIfAbsentRace},
		{"ETag", place.etag},
		{"Absent", place.absent},
		{"Ranges", place.ranges},
		{"OpenPinned", place.openPinned},
		{"OpenReplaced", place.openReplaced},
		{"OpenCancelled", place.openCancelled},
		{"Create", place.create},
		{"CreateReplaces", place.createReplaces},
		{"CreateSealed", place.createSealed},
		{"CreateAborted", place.createAborted},
		{"CreateCancelled", place.createCancelled},
		{"ListOrder", place.listOrder},
		{"ListPrefix", place.listPrefix},
		{"ListPages", place.listPages},
		{"ListStopped", place.listStopped},
		{"ListAfter", place.listAfter},
		{"Abandon", place.abandon},
		{"Glob", place.glob},
		{"BadURL", place.badURL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(place{T: t, Store: store, base: bucket.Join(base, test.name)})
		})
	}
}

// place is a folder of its own for one test.
type place struct {
	*testing.T
	*bucket.Store
	base string
}

// in is the same place for a subtest.
func (p place) in(t *testing.T) place { return place{T: t, Store: p.Store, base: p.base} }

func (p place) url(key string) string { return bucket.Join(p.base, key) }

// must stops the test on an error.
func (p place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// wants stops the test unless err wraps the one wanted and tells the object.
func (p place) wants(err, want error, url string) {
	p.Helper()
	if !errors.Is(err, want) || !strings.Contains(err.Error(), url) {
		p.Fatalf("got error %v, want %q with %s", err, want, url)
	}
}

func (p place) store(key, body string) bucket.Object {
	p.Helper()
	object, err := p.Put(p.Context(), p.url(key), []byte(body), bucket.PutOptions{})
	p.must(err)
	return object
}

// read returns what a reader delivers, for small objects.
func (p place) read(key string, o bucket.ReadOptions) string {
	p.Helper()
	r, err := p.Open(p.Context(), p.url(key), o)
	p.must(err)
	defer r.Close()
	body, err := io.ReadAll(r)
	p.must(err)
	return string(body)
}

// list returns the keys below the place's base that start with prefix.
func (p place) list(prefix string) []string {
	p.Helper()
	var keys []string
	for object, err := range p.List(p.Context(), p.base+"/"+prefix) {
		p.must(err)
		keys = append(keys, strings.TrimPrefix(object.URL, p.base+"/"))
	}
	return keys
}

// RandomBytes returns n bytes, the same for the same n, in which any mix-up of
// positions shows.
func RandomBytes(n int) []byte {
	body := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(body)
	return body
}
