package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/bucket/buckettest"
)

// TestOpen_CutAtRandomOffsets cuts every answer; each brings some bytes.
func TestOpen_CutAtRandomOffsets(t *testing.T) {
	t.Parallel()
	_, target := newFakeS3(t)
	body := buckettest.RandomBytes(1 << 20)
	if _, err := newStore(t, target).Put(t.Context(), "s3://b/x", body, bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0)) // one request at a time
			var requests atomic.Int32
			proxy := buckettest.NewProxy(t, target, func(*http.Request) buckettest.Fault {
				requests.Add(1)
				return buckettest.Fault{Cut: true, CutAfter: 1 + random.Int64N(200_000)}
			})
			offset := random.Int64N(1 << 20)
			length := 1 + random.Int64N(1<<20-offset)
			r, err := newStore(t, proxy).Open(t.Context(), "s3://b/x", bucket.ReadOptions{Offset: offset, Length: length})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, body[offset:offset+length]) {
				t.Errorf("read %d of %d bytes from %d on: %v", len(got), length, offset, err)
			}
			if length > 200_000 && requests.Load() < 2 {
				t.Error("nothing was cut")
			}
		})
	}
}

// TestOpen_GivesUp cuts every answer, after the first one before the first byte.
func TestOpen_GivesUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", "1000")
			w.Write(make([]byte, 600))
		} else {
			w.Header().Set("Content-Range", "bytes 600-999/1000")
			w.Header().Set("Content-Length", "400")
			w.WriteHeader(http.StatusPartialContent)
		}
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	r, err := newStore(t, server.URL).Open(t.Context(), "s3://b/x", bucket.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if len(got) != 600 || err == nil || !strings.Contains(err.Error(), "read s3://b/x at 600: 6 times in a row: unexpected EOF") {
		t.Errorf("read %d bytes: %v", len(got), err)
	}
	if _, again := r.Read(make([]byte, 1)); again != err {
		t.Errorf("then %v", again)
	}
}

// TestOpen_Stalled sends half and then nothing.
func TestOpen_Stalled(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "01234")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
	}))
	defer server.Close()
	store := newStore(t, server.URL)
	bucket.SetStall(store, 50*time.Millisecond)
	r, err := store.Open(t.Context(), "s3://b/x", bucket.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); string(got) != "0123456789" || err != nil {
		t.Errorf("read %q: %v", got, err)
	}
}

// TestOpen_ReplacedDuringCut never joins two versions, even of one size.
func TestOpen_ReplacedDuringCut(t *testing.T) {
	t.Parallel()
	_, target := newFakeS3(t)
	direct := newStore(t, target)
	if _, err := direct.Put(t.Context(), "s3://b/x", []byte("aaaaaaaaaa"), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	cut := &buckettest.First{Method: "GET", Fault: buckettest.Fault{Cut: true, CutAfter: 4}}
	proxy := buckettest.NewProxy(t, target, cut.Choose)
	r, err := newStore(t, proxy).Open(t.Context(), "s3://b/x", bucket.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := direct.Put(t.Context(), "s3://b/x", []byte("bbbbbbbbbb"), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if string(got) != "aaaa" || !errors.Is(err, bucket.ErrChanged) || !strings.Contains(err.Error(), "at 4") {
		t.Errorf("read %q: %v", got, err)
	}
}

// TestOpen_OddServers must end in an error rather than in wrong bytes.
func TestOpen_OddServers(t *testing.T) {
	t.Parallel()
	const body = "0123456789"
	tests := []struct {
		name    string
		headers map[string]string
		status  int
		options bucket.ReadOptions
		want    string // part of the error
	}{
		{"ranges ignored", map[string]string{"ETag": "1"}, 200, bucket.ReadOptions{Offset: 5}, "answered from byte 0, 5 was asked for"},
		{"pin ignored", map[string]string{"ETag": "2"}, 200, bucket.ReadOptions{ETag: "1"}, bucket.ErrChanged.Error()},
		{"wrong range", map[string]string{"ETag": "1", "Content-Range": "bytes 4-9/10"}, 206, bucket.ReadOptions{Offset: 5}, "answered from byte 4"},
		{"strange range", map[string]string{"ETag": "1", "Content-Range": "items 5-9/10"}, 206, bucket.ReadOptions{Offset: 5}, `content range "items 5-9/10"`},
		{"refused range", map[string]string{"ETag": "1"}, 416, bucket.ReadOptions{Offset: 5}, "refused bytes from 5 on of an object of 10"},
		{"cut without ETag", map[string]string{"Content-Length": "20"}, 200, bucket.ReadOptions{}, "no ETag to resume by"},
		{"no size", map[string]string{"Transfer-Encoding": "chunked"}, 200, bucket.ReadOptions{}, "tells no size"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "10")
				if test.status != 200 && r.Method == "GET" || test.headers["Transfer-Encoding"] != "" {
					w.Header().Del("Content-Length")
				}
				for name, value := range test.headers {
					w.Header().Set(name, value)
				}
				if r.Method == "GET" {
					w.WriteHeader(test.status)
				}
				io.WriteString(w, body)
			}))
			defer server.Close()
			r, err := newStore(t, server.URL).Open(t.Context(), "s3://b/x", test.options)
			if err == nil {
				_, err = io.ReadAll(r)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
