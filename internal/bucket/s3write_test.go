package bucket_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// TestPartSize holds the rule against S3's limits.
func TestPartSize(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	total, constant := int64(0), int64(0)
	for n := range 10_000 {
		size := bucket.PartSize(n)
		if size < 5*mib || size > 5<<30 {
			t.Fatalf("part %d has %d bytes", n, size)
		}
		if size == 5*mib {
			constant += size
		} else if total < 500*size {
			t.Fatalf("part %d has %d bytes after only %d", n, size, total)
		}
		total += size
	}
	if total < 5<<40 || constant < 14<<30 {
		t.Errorf("10,000 parts have %d bytes, %d in small parts", total, constant)
	}
}

// blackHole takes parts without keeping them and answers reads with zeros.
func blackHole(size int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"1"`)
		switch {
		case r.URL.Query().Has("uploads"):
			io.WriteString(w, "<R><UploadId>1</UploadId></R>")
		case r.Method == "POST":
			io.WriteString(w, "<R><ETag>1</ETag></R>")
		case r.Method == "GET":
			w.Header().Set("Content-Length", fmt.Sprint(size))
			io.Copy(w, io.LimitReader(zeros{}, size))
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// peak samples how much memory the heap holds, live and garbage, and returns
// the most that it saw.
type peak struct{ bytes uint64 }

func (m *peak) Write(p []byte) (int, error) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(sample)
	m.bytes = max(m.bytes, sample[0].Value.Uint64()+sample[1].Value.Uint64())
	return len(p), nil
}

// BenchmarkCreateOpen streams 200 MB to a server and back.
func BenchmarkCreateOpen(b *testing.B) {
	const size = 200_000_000
	server := httptest.NewServer(blackHole(size))
	defer server.Close()
	store := newStore(b, server.URL)
	b.SetBytes(2 * size)
	runtime.GC()
	var most peak
	for b.Loop() {
		w, err := store.Create(b.Context(), "s3://b/x", "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyN(io.MultiWriter(w, &most), zeros{}, size); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		r, err := store.Open(b.Context(), "s3://b/x", bucket.ReadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(&most, r); n != size || err != nil {
			b.Fatal(n, err)
		}
		r.Close()
	}
	b.ReportMetric(float64(most.bytes)/1e6, "peak-MB")
}
