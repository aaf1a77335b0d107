package buckettest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// part is the size of the first parts of an upload to S3, where writers change
// their ways.
const part = 5 << 20

// write creates an object in writes of uneven sizes.
func (p place) write(w *bucket.Writer, body []byte) {
	p.Helper()
	for i, n := 0, 1; i < len(body); n = n*3 + 1 {
		n = min(n, len(body)-i, 3<<20)
		written, err := w.Write(body[i : i+n])
		p.must(err)
		if written != n {
			p.Fatalf("wrote %d of %d", written, n)
		}
		i += n
	}
}

func (p place) create() {
	for _, size := range []int{0, 1, 100_000, part - 1, part, part + 1, 3*part + 5} {
		p.Run(fmt.Sprint(size), func(t *testing.T) {
			p, key := p.in(t), fmt.Sprintf("%d", size)
			body := RandomBytes(size)
			w, err := p.Create(p.Context(), p.url(key), "text/plain")
			p.must(err)
			p.write(w, body)
			_, err = p.Stat(p.Context(), p.url(key))
			p.wants(err, bucket.ErrNotFound, p.url(key))
			if listed := p.list(key); len(listed) > 0 {
				p.Errorf("listed before commit: %q", listed)
			}
			done, err := w.Commit(p.Context())
			p.must(err)
			got, err := p.Stat(p.Context(), p.url(key))
			p.must(err)
			if done.ETag != got.ETag || done.Size != int64(size) || got.Size != int64(size) {
				p.Errorf("commit tells %+v, stat %+v", done, got)
			}
			if read := p.read(key, bucket.ReadOptions{ETag: done.ETag}); read != string(body) {
				p.Errorf("read %d other bytes", len(read))
			}
			p.afterCommit(w, key)
		})
	}
}

// createSealed writes objects one after the other that appear together.
func (p place) createSealed() {
	bodies := map[string][]byte{"empty": nil, "small": RandomBytes(100), "large": RandomBytes(part + 5)}
	writers := map[string]*bucket.Writer{}
	for key, body := range bodies {
		w, err := p.Create(p.Context(), p.url(key), "text/plain")
		p.must(err)
		p.write(w, body)
		p.must(w.Seal())
		if _, err := w.Write([]byte("x")); err == nil {
			p.Errorf("%s: write after seal was accepted", key)
		}
		writers[key] = w
	}
	if listed := p.list(""); len(listed) > 0 {
		p.Errorf("listed before commit: %q", listed)
	}
	for key, body := range bodies {
		done, err := writers[key].Commit(p.Context())
		p.must(err)
		if read := p.read(key, bucket.ReadOptions{ETag: done.ETag}); read != string(body) || done.Size != int64(len(body)) {
			p.Errorf("%s: read %d other bytes; commit tells %+v", key, len(read), done)
		}
		p.afterCommit(writers[key], key)
	}
	w, err := p.Create(p.Context(), p.url("aborted"), "text/plain")
	p.must(err)
	p.must(w.Seal())
	p.must(w.Abort())
	_, err = p.Stat(p.Context(), p.url("aborted"))
	p.wants(err, bucket.ErrNotFound, p.url("aborted"))
}

func (p place) afterCommit(w *bucket.Writer, key string) {
	p.Helper()
	p.must(w.Abort())
	if _, err := w.Write([]byte("x")); err == nil {
		p.Error("write after commit was accepted")
	}
	if _, err := w.Commit(p.Context()); err == nil {
		p.Error("second commit was accepted")
	}
	_, err := p.Stat(p.Context(), p.url(key))
	p.must(err)
}

func (p place) createReplaces() {
	for _, size := range []int{3, part + 3} {
		p.store("x", "old")
		w, err := p.Create(p.Context(), p.url("x"), "")
		p.must(err)
		p.write(w, RandomBytes(size))
		if got := p.read("x", bucket.ReadOptions{}); got != "old" {
			p.Errorf("read %q before commit", got)
		}
		_, err = w.Commit(p.Context())
		p.must(err)
		if got := p.read("x", bucket.ReadOptions{}); got != string(RandomBytes(size)) {
			p.Errorf("read %d other bytes", len(got))
		}
	}
}

func (p place) createAborted() {
	p.store("old", "old")
	for _, key := range []string{"old", "new"} {
		for _, size := range []int{3, 2*part + 3} {
			w, err := p.Create(p.Context(), p.url(key), "")
			p.must(err)
			p.write(w, RandomBytes(size))
			p.must(w.Abort())
			p.must(w.Abort())
			if _, err := w.Commit(p.Context()); err == nil {
				p.Error("commit after abort was accepted")
			}
		}
	}
	if got := p.read("old", bucket.ReadOptions{}); got != "old" {
		p.Errorf("read %q", got)
	}
	if got := p.list(""); !slices.Equal(got, []string{"old"}) {
		p.Errorf("left %q", got)
	}
}

func (p place) createCancelled() {
	ctx, cancel := context.WithCancel(p.Context())
	w, err := p.Create(ctx, p.url("x"), "")
	p.must(err)
	p.write(w, RandomBytes(2*part+3))
	cancel()
	_, err = io.Copy(w, bytes.NewReader(RandomBytes(3*part)))
	p.wants(err, context.Canceled, p.url("x"))
	_, err = w.Commit(p.Context())
	p.wants(err, context.Canceled, p.url("x"))
	p.must(w.Abort())
	if got := p.list(""); len(got) > 0 {
		p.Errorf("left %q", got)
	}
}

// abandon throws away what was never committed, if it is old enough, and nothing
// else.
func (p place) abandon() {
	p.store("there", "there")
	writer, err := p.Create(p.Context(), p.url("sub/unfinished"), "")
	p.must(err)
	_, err = writer.Write(RandomBytes(2 * part))
	p.must(err)
	defer writer.Abort()
	for _, row := range []struct {
		before time.Time
		want   int
	}{{time.Now().Add(-time.Hour), 0}, {time.Now().Add(time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
		got, err := p.Abandon(p.Context(), p.base+"/", row.before)
		p.must(err)
		if got != row.want {
			p.Errorf("before %s: %d abandoned, want %d", row.before, got, row.want)
		}
	}
	if keys := p.list(""); !slices.Equal(keys, []string{"there"}) {
		p.Errorf("left: %q", keys)
	}
}
