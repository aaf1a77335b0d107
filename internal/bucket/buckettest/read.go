package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

func (p place) ranges() {
	body := string(RandomBytes(1000))
	object := p.store("x", body)
	p.store("empty", "")
	tests := []struct {
		offset, length int64
		want           string
	}{
		{0, 0, body},
		{0, 1, body[:1]},
		{0, 1000, body},
		{0, 5000, body},
		{1, 0, body[1:]},
		{499, 2, body[499:501]},
		{999, 0, body[999:]},
		{999, 10, body[999:]},
		{1000, 0, ""},
		{1000, 1, ""},
		{5000, 0, ""},
		{1, math.MaxInt64, body[1:]},
		{math.MaxInt64 - 1, 0, ""},
	}
	for _, test := range tests {
		p.Run(fmt.Sprintf("%d+%d", test.offset, test.length), func(t *testing.T) {
			p := p.in(t)
			for _, etag := range []string{"", object.ETag} {
				o := bucket.ReadOptions{Offset: test.offset, Length: test.length, ETag: etag}
				if got := p.read("x", o); got != test.want {
					p.Errorf("%+v: read %d bytes %.20q, want %d bytes %.20q", o, len(got), got, len(test.want), test.want)
				}
			}
			if got := p.read("empty", bucket.ReadOptions{Offset: test.offset, Length: test.length}); got != "" {
				p.Errorf("read %q from an empty object", got)
			}
		})
	}
	for _, o := range []bucket.ReadOptions{{Offset: -1}, {Length: -1}} {
		if r, err := p.Open(p.Context(), p.url("x"), o); err == nil {
			r.Close()
			p.Errorf("%+v was accepted", o)
		}
	}
}

func (p place) openPinned() {
	old := p.store("x", "old")
	p.store("x", "new")
	for _, offset := range []int64{0, 1, 3, 7} {
		_, err := p.Open(p.Context(), p.url("x"), bucket.ReadOptions{Offset: offset, ETag: old.ETag})
		p.wants(err, bucket.ErrChanged, p.url("x"))
	}
}

// openReplaced lets an object change under a reader, which then delivers the
// old version or says so.
func (p place) openReplaced() {
	old := bytes.Repeat([]byte("o"), 4<<20)
	p.store("x", string(old))
	r, err := p.Open(p.Context(), p.url("x"), bucket.ReadOptions{})
	p.must(err)
	defer r.Close()
	got := make([]byte, 1000)
	_, err = io.ReadFull(r, got)
	p.must(err)
	p.store("x", string(bytes.Repeat([]byte("n"), 4<<20)))
	rest, err := io.ReadAll(r)
	got = append(got, rest...)
	switch {
	case err == nil && !bytes.Equal(got, old), !bytes.HasPrefix(old, got):
		p.Errorf("read %d bytes that are not the old version", len(got))
	case err != nil && !errors.Is(err, bucket.ErrChanged):
		p.Error(err)
	}
}

func (p place) openCancelled() {
	p.store("x", string(RandomBytes(8<<20)))
	ctx, cancel := context.WithCancel(p.Context())
	r, err := p.Open(ctx, p.url("x"), bucket.ReadOptions{})
	p.must(err)
	defer r.Close()
	cancel()
	_, err = io.Copy(io.Discard, r)
	p.wants(err, context.Canceled, p.url("x"))
	_, err = p.Open(ctx, p.url("x"), bucket.ReadOptions{})
	p.wants(err, context.Canceled, p.url("x"))
}
