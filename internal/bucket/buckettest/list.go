package buckettest

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// listAfter begins in the middle, also after what is not there.
func (p place) listAfter() {
	for _, key := range []string{"a", "b-c", "b/x", "c"} {
		p.store(key, key)
	}
	for after, want := range map[string][]string{
		"": {"a", "b-c", "b/x", "c"}, "a": {"b-c", "b/x", "c"}, "b": {"b-c", "b/x", "c"}, "b/x": {"c"}, "c": nil, "d": nil,
	} {
		var keys []string
		for object, err := range p.ListAfter(p.Context(), p.base+"/", p.base+"/"+after) {
			p.must(err)
			keys = append(keys, strings.TrimPrefix(object.URL, p.base+"/"))
		}
		if !slices.Equal(keys, want) {
			p.Errorf("after %q: %q, want %q", after, keys, want)
		}
	}
}

func (p place) listOrder() {
	keys := []string{
		"a", "a-b", "a.txt", "b/a-b/x", "b/a.txt", "b/a/x", "b/a/y/z", "b/a0", "b/b", "b-", "b.", "b0",
		"A", "Z/z", "_", ".hidden/x", ".hidden-", "%", "~", "é", "zz", "漢", "😀", "\uffee",
	}
	for _, key := range keys {
		p.store(key, key)
	}
	slices.Sort(keys)
	if got := p.list(""); !slices.Equal(got, keys) {
		p.Errorf("listed %q,\n  want %q", got, keys)
	}
	for object, err := range p.List(p.Context(), p.base+"/") {
		p.must(err)
		stat, err := p.Stat(p.Context(), object.URL)
		p.must(err)
		if object.Size != stat.Size || object.ETag != stat.ETag || object.Modified.Unix() != stat.Modified.Unix() {
			p.Errorf("listed %+v, stat %+v", object, stat)
		}
	}
}

func (p place) listPrefix() {
	for _, key := range []string{"in/a", "in/b/c", "inbox/x", "other", ".in/x"} {
		p.store(key, "")
	}
	tests := []struct {
		prefix string
		want   []string
	}{
		{"in", []string{"in/a", "in/b/c", "inbox/x"}},
		{"in/", []string{"in/a", "in/b/c"}},
		{"in/b", []string{"in/b/c"}},
		{"in/b/c", []string{"in/b/c"}},
		{"in/b/c/", nil},
		{"in/b/cc", nil},
		{"inb", []string{"inbox/x"}},
		{".", []string{".in/x"}},
		{"no/such/folder/", nil},
	}
	for _, test := range tests {
		if got := p.list(test.prefix); !slices.Equal(got, test.want) {
			p.Errorf("prefix %q: listed %q, want %q", test.prefix, got, test.want)
		}
	}
}

// listPages needs more than one page of 1,000 objects.
func (p place) listPages() {
	var keys []string
	var group errgroup.Group
	group.SetLimit(8)
	for i := range 1005 {
		key := fmt.Sprintf("%02d/%04d", i%7, i)
		keys = append(keys, key)
		group.Go(func() error {
			_, err := p.Put(p.Context(), p.url(key), nil, bucket.PutOptions{})
			return err
		})
	}
	p.must(group.Wait())
	slices.Sort(keys)
	if got := p.list(""); !slices.Equal(got, keys) {
		p.Errorf("listed %d keys, want %d", len(got), len(keys))
	}
}

func (p place) listStopped() {
	for _, key := range []string{"a", "b/c", "d"} {
		p.store(key, "")
	}
	for want := range 3 {
		got := 0
		for _, err := range p.List(p.Context(), p.base+"/") {
			p.must(err)
			got++
			if got > want {
				break
			}
		}
		if got != want+1 {
			p.Errorf("got %d objects, want %d", got, want+1)
		}
	}
}
