package buckettest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// keys are taken literally, whatever they look like in a URL.
func (p place) keys() {
	keys := []string{
		"plain.jsonl", "folder/in/folder.jsonl", "with space", " leading space", "trailing space ",
		"a+b", "100%", "%41", "%2F", "question?mark=1&x", "hash#tag", "semi;colon:comma,at@", "quote'\"",
		"tilde~caret^", "brackets[]{}<>", "back\\slash", "pipe|dollar$bang!star*", ".hidden", ".hidden/x", "..double",
		"...", "a..b/c", "größe", "名前.jsonl", "😀", "e\u0301 is not \u00e9",
	}
	for _, key := range keys {
		p.Run(key, func(t *testing.T) {
			p := p.in(t)
			p.store(key, key)
			if got := p.read(key, bucket.ReadOptions{}); got != key {
				p.Errorf("read %q", got)
			}
			object, err := p.Stat(p.Context(), p.url(key))
			p.must(err)
			if object.URL != p.url(key) || object.Size != int64(len(key)) {
				p.Errorf("stat %+v", object)
			}
			if listed := p.list(key); !slices.Contains(listed, key) {
				p.Errorf("listed %q", listed)
			}
			p.must(p.Delete(p.Context(), p.url(key)))
			_, err = p.Stat(p.Context(), p.url(key))
			p.wants(err, bucket.ErrNotFound, p.url(key))
		})
	}
	if left := p.list(""); len(left) > 0 {
		p.Errorf("left after delete: %q", left)
	}
}

func (p place) put() {
	for _, body := range []string{"first", "second, and longer", ""} {
		put := p.store("x", body)
		got, err := p.Stat(p.Context(), p.url("x"))
		p.must(err)
		if put.URL != p.url("x") || put.Size != int64(len(body)) || put.ETag != got.ETag || put.ETag == "" {
			p.Errorf("put tells %+v, stat %+v", put, got)
		}
		if age := time.Since(got.Modified); age < -time.Minute || age > time.Hour {
			p.Errorf("modified %v", got.Modified)
		}
		if read := p.read("x", bucket.ReadOptions{}); read != body {
			p.Errorf("read %q, want %q", read, body)
		}
	}
}

func (p place) putIfAbsent() {
	once := bucket.PutOptions{IfAbsent: true}
	first, err := p.Put(p.Context(), p.url("x"), []byte("first"), once)
	p.must(err)
	_, err = p.Put(p.Context(), p.url("x"), []byte("second"), once)
	p.wants(err, bucket.ErrExists, p.url("x"))
	_, err = p.Put(p.Context(), p.url("x"), []byte("first"), once)
	p.wants(err, bucket.ErrExists, p.url("x")) // though the bytes are the same
	if got := p.read("x", bucket.ReadOptions{ETag: first.ETag}); got != "first" {
		p.Errorf("read %q", got)
	}
	p.must(p.Delete(p.Context(), p.url("x")))
	_, err = p.Put(p.Context(), p.url("x"), []byte("third"), once)
	p.must(err)
}

// putIfAbsentRace lets equals race: the bytes alone do not tell the winner.
func (p place) putIfAbsentRace() {
	for round := range 5 {
		key := fmt.Sprintf("deep/er/%d", round)
		outcomes := make([]error, 8)
		var group sync.WaitGroup
		for i := range outcomes {
			group.Go(func() {
				_, outcomes[i] = p.Put(p.Context(), p.url(key), []byte("same"), bucket.PutOptions{IfAbsent: true})
			})
		}
		group.Wait()
		won := 0
		for _, err := range outcomes {
			if err == nil {
				won++
			} else if !errors.Is(err, bucket.ErrExists) {
				p.Error(err)
			}
		}
		if won != 1 {
			p.Errorf("%d puts won", won)
		}
	}
	if listed := p.list(""); len(listed) != 5 {
		p.Errorf("left %q", listed)
	}
}

// etag must differ for contents of equal size, however fast they follow.
func (p place) etag() {
	seen := map[string]int{}
	for i := range 50 {
		object := p.store("x", fmt.Sprintf("%02d", i))
		if before, ok := seen[object.ETag]; ok {
			p.Fatalf("puts %d and %d have ETag %s", before, i, object.ETag)
		}
		seen[object.ETag] = i
	}
}

func (p place) absent() {
	p.store("there", "x")
	for _, key := range []string{"gone", "no/such/folder", "there/below", "the"} {
		_, err := p.Stat(p.Context(), p.url(key))
		p.wants(err, bucket.ErrNotFound, p.url(key))
		_, err = p.Open(p.Context(), p.url(key), bucket.ReadOptions{})
		p.wants(err, bucket.ErrNotFound, p.url(key))
		_, err = p.Open(p.Context(), p.url(key), bucket.ReadOptions{Offset: 7, ETag: "x"})
		p.wants(err, bucket.ErrNotFound, p.url(key))
		p.must(p.Delete(p.Context(), p.url(key)))
	}
	p.store("folder/x", "x")
	_, err := p.Stat(p.Context(), p.url("folder"))
	p.wants(err, bucket.ErrNotFound, p.url("folder"))
	p.must(p.Delete(p.Context(), p.url("folder")))
	if got := p.list(""); !slices.Equal(got, []string{"folder/x", "there"}) {
		p.Errorf("listed %q", got)
	}
}

// badURL checks that each method looks at its URL; the kinds of bad URLs are
// tested in package bucket.
func (p place) badURL() {
	ctx, bad := p.Context(), p.url("a/../b")
	_, err := p.Stat(ctx, bad)
	p.wants(err, bucket.ErrURL, bad)
	_, err = p.Open(ctx, bad, bucket.ReadOptions{})
	p.wants(err, bucket.ErrURL, bad)
	_, err = p.Put(ctx, bad, nil, bucket.PutOptions{})
	p.wants(err, bucket.ErrURL, bad)
	_, err = p.Create(ctx, bad, "")
	p.wants(err, bucket.ErrURL, bad)
	p.wants(p.Delete(ctx, bad), bucket.ErrURL, bad)
	for _, err := range p.List(ctx, bad) {
		p.wants(err, bucket.ErrURL, bad)
	}
}
