// Package buckettest runs package bucket against a complete S3 server.
package buckettest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/bucket/buckettest"
	"github.com/nightshift-run/nightshift/local/objectstore"
)

// server is one for all tests, since a process can run only one.
var server *objectstore.Server

// at returns a URL that no other run of a test uses.
func at(name string) string { return bucket.Join("s3://night", rand.Text(), name) }

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "buckettest")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(folder)
	server, err = objectstore.Start(context.Background(), objectstore.Options{
		Dir: folder, Address: "127.0.0.1:0", Buckets: []string{"night"},
	})
	if err != nil {
		log.Print(err)
		return 1
	}
	defer server.Stop()
	return m.Run()
}

func newStore(t testing.TB, endpoint string) *bucket.Store {
	t.Helper()
	store, err := bucket.New(t.Context(), bucket.Options{
		Endpoint: endpoint, AccessKey: server.AccessKey(), SecretKey: server.SecretKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestS3_Conformance(t *testing.T) {
	t.Parallel()
	buckettest.Run(t, newStore(t, server.Endpoint()), at("conformance"))
}

func put(t *testing.T, url string, body []byte) {
	t.Helper()
	if _, err := newStore(t, server.Endpoint()).Put(t.Context(), url, body, bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_CutAtRandomOffsets(t *testing.T) {
	t.Parallel()
	url := at("cut")
	body := buckettest.RandomBytes(3 << 20)
	put(t, url, body)
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := mathrand.New(mathrand.NewPCG(seed, 0)) // one request at a time
			var requests atomic.Int32
			proxy := buckettest.NewProxy(t, server.Endpoint(), func(*http.Request) buckettest.Fault {
				requests.Add(1)
				return buckettest.Fault{Cut: true, CutAfter: 1 + random.Int64N(500_000)}
			})
			r, err := newStore(t, proxy).Open(t.Context(), url, bucket.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("read %d bytes: %v", len(got), err)
			}
			if requests.Load() < 7 {
				t.Errorf("%d requests", requests.Load())
			}
		})
	}
}

// TestOpen_ReplacedDuringCut lets the pinned version go while a connection is cut.
func TestOpen_ReplacedDuringCut(t *testing.T) {
	t.Parallel()
	url := at("replaced")
	put(t, url, bytes.Repeat([]byte("a"), 1000))
	cut := &buckettest.First{Method: "GET", Fault: buckettest.Fault{Cut: true, CutAfter: 400}}
	proxy := buckettest.NewProxy(t, server.Endpoint(), cut.Choose)
	r, err := newStore(t, proxy).Open(t.Context(), url, bucket.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	put(t, url, bytes.Repeat([]byte("b"), 1000))
	got, err := io.ReadAll(r)
	if len(got) != 400 || !errors.Is(err, bucket.ErrChanged) {
		t.Errorf("read %d bytes: %v", len(got), err)
	}
}

// TestWrites_FaultOnce lets the first request of a kind fail; the object must
// be there once, whole, and known as written by the call.
func TestWrites_FaultOnce(t *testing.T) {
	t.Parallel()
	requests := []struct{ name, method, query string }{
		{"put", "PUT", "PutObject"}, {"begin", "POST", "uploads"}, {"part", "PUT", "partNumber"}, {"complete", "POST", "uploadId"},
	}
	faults := map[string]buckettest.Fault{"500": {Status: 500}, "503": {Status: 503}, "409": {Status: 409}, "lost": {LoseReply: true}}
	body := buckettest.RandomBytes(11 << 20)
	for _, request := range requests {
		for name, fault := range faults {
			t.Run(request.name+" "+name, func(t *testing.T) {
				t.Parallel()
				first := &buckettest.First{Method: request.method, Query: request.query, Fault: fault}
				proxy := buckettest.NewProxy(t, server.Endpoint(), first.Choose)
				url := at(request.name + name)
				write := create
				if request.name == "put" {
					write = putNew
				}
				object, err := write(t.Context(), newStore(t, proxy), url, body)
				if err != nil || first.Matched() < 2 {
					t.Fatalf("after %d requests: %v", first.Matched(), err)
				}
				r, err := newStore(t, server.Endpoint()).Open(t.Context(), url, bucket.ReadOptions{ETag: object.ETag})
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
					t.Errorf("read %d bytes: %v", len(got), err)
				}
			})
		}
	}
}

func putNew(ctx context.Context, store *bucket.Store, url string, body []byte) (bucket.Object, error) {
	return store.Put(ctx, url, body, bucket.PutOptions{IfAbsent: true})
}

func create(ctx context.Context, store *bucket.Store, url string, body []byte) (bucket.Object, error) {
	w, err := store.Create(ctx, url, "")
	if err != nil {
		return bucket.Object{}, err
	}
	defer w.Abort()
	if _, err := w.Write(body); err != nil {
		return bucket.Object{}, err
	}
	return w.Commit(ctx)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	wrong, err := bucket.New(t.Context(), bucket.Options{
		Endpoint: server.Endpoint(), AccessKey: server.AccessKey(), SecretKey: "not-" + server.SecretKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	right := newStore(t, server.Endpoint())
	tests := []struct {
		name  string
		store *bucket.Store
		url   string
		want  error
		text  string
	}{
		{"no bucket", right, "s3://no-such-bucket/x", bucket.ErrNotFound, "NoSuchBucket"},
		{"wrong secret", wrong, "s3://night/x", bucket.ErrDenied, "SignatureDoesNotMatch"},
	}
	for _, test := range tests {
		_, openErr := test.store.Open(t.Context(), test.url, bucket.ReadOptions{})
		_, putErr := test.store.Put(t.Context(), test.url, nil, bucket.PutOptions{})
		_, createErr := create(t.Context(), test.store, test.url, make([]byte, 6<<20))
		_, statErr := test.store.Stat(t.Context(), test.url)
		if !errors.Is(statErr, test.want) {
			t.Errorf("%s: stat: %v", test.name, statErr)
		}
		for _, err := range test.store.List(t.Context(), test.url) {
			openErr = errors.Join(openErr, err)
		}
		for _, err := range []error{openErr, putErr, createErr} {
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), server.SecretKey()) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

// BenchmarkCreateOpen streams 200 MB to the server and back.
func BenchmarkCreateOpen(b *testing.B) {
	const size = 200_000_000
	store, url := newStore(b, server.Endpoint()), at("large")
	chunk := buckettest.RandomBytes(1 << 20)
	b.SetBytes(2 * size)
	for b.Loop() {
		w, err := store.Create(b.Context(), url, "")
		if err != nil {
			b.Fatal(err)
		}
		for left := size; left > 0; left -= len(chunk) {
			if _, err := w.Write(chunk[:min(left, len(chunk))]); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		r, err := store.Open(b.Context(), url, bucket.ReadOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); n != size || err != nil {
			b.Fatal(n, err)
		}
		r.Close()
	}
}
