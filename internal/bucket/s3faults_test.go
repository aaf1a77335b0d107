package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/iotest"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/bucket/buckettest"
)

// TestS3_FaultsPass lets each kind of request fail once in each way. All are
// tried again, and have their effect once.
func TestS3_FaultsPass(t *testing.T) {
	t.Parallel()
	requests := []struct {
		name, method, query string
		do                  func(context.Context, *bucket.Store) error
		writes              int
	}{
		{"stat", "HEAD", "", stat, 0},
		{"open", "GET", "GetObject", open, 0},
		{"list", "GET", "list-type", list, 0},
		{"put", "PUT", "PutObject", put, 1},
		{"delete", "DELETE", "DeleteObject", remove, 0},
		{"begin", "POST", "uploads", create, 1},
		{"part", "PUT", "partNumber", create, 1},
		{"complete", "POST", "uploadId", create, 1},
		{"abort", "DELETE", "AbortMultipartUpload", abort, 0},
	}
	faults := map[string]buckettest.Fault{
		"500": {Status: 500}, "503": {Status: 503}, "409": {Status: 409}, "lost": {LoseReply: true}, "cut": {Cut: true},
	}
	for _, request := range requests {
		for name, fault := range faults {
			switch method := request.method; {
			case fault.Status == 409 && (method == "GET" || method == "HEAD"):
				continue // reads do not conflict
			case fault.Cut && method != "GET" && method != "POST":
				continue // no body to cut
			}
			t.Run(request.name+" "+name, func(t *testing.T) {
				t.Parallel()
				fake, target := newFakeS3(t)
				fake.objects["there"] = fakeObject{body: []byte("there"), etag: `"1"`}
				first := &buckettest.First{Method: request.method, Query: request.query, Fault: fault}
				if err := request.do(t.Context(), newStore(t, buckettest.NewProxy(t, target, first.Choose))); err != nil {
					t.Error(err)
				}
				if first.Matched() < 2 {
					t.Errorf("%d requests", first.Matched())
				}
				writes, left := fake.outcome()
				if writes != request.writes {
					t.Errorf("%d writes, want %d", writes, request.writes)
				}
				if left > 0 && !(request.name == "begin" && (fault.LoseReply || fault.Cut)) {
					t.Errorf("%d uploads are left", left)
				}
			})
		}
	}
}

func stat(ctx context.Context, store *bucket.Store) error {
	_, err := store.Stat(ctx, "s3://b/there")
	return err
}

func open(ctx context.Context, store *bucket.Store) error {
	r, err := store.Open(ctx, "s3://b/there", bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	return iotest.TestReader(r, []byte("there"))
}

func list(ctx context.Context, store *bucket.Store) error {
	listed := 0
	for _, err := range store.List(ctx, "s3://b/") {
		if err != nil {
			return err
		}
		listed++
	}
	if listed != 1 {
		return fmt.Errorf("listed %d", listed)
	}
	return nil
}

func put(ctx context.Context, store *bucket.Store) error {
	_, err := store.Put(ctx, "s3://b/x", []byte("small"), bucket.PutOptions{IfAbsent: true})
	return err
}

func remove(ctx context.Context, store *bucket.Store) error { return store.Delete(ctx, "s3://b/there") }

func create(ctx context.Context, store *bucket.Store) error {
	large := buckettest.RandomBytes(6 << 20)
	w, err := store.Create(ctx, "s3://b/x", "")
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := w.Write(large); err != nil {
		return err
	}
	if _, err := w.Commit(ctx); err != nil {
		return err
	}
	r, err := store.Open(ctx, "s3://b/x", bucket.ReadOptions{})
	if err != nil {
		return err
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, large) {
		return fmt.Errorf("read %d other bytes: %w", len(got), err)
	}
	return nil
}

func abort(ctx context.Context, store *bucket.Store) error {
	w, err := store.Create(ctx, "s3://b/x", "")
	if err != nil {
		return err
	}
	if _, err := w.Write(make([]byte, 6<<20)); err != nil {
		return err
	}
	return w.Abort()
}

// TestPut_RefusedAfterLostReply asks who wrote what is stored.
func TestPut_RefusedAfterLostReply(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		then  func(t *testing.T, direct *bucket.Store) // after the put whose answer gets lost
		wants error
	}{
		{"ours", func(*testing.T, *bucket.Store) {}, nil},
		{"replaced by equal bytes", func(t *testing.T, direct *bucket.Store) {
			if _, err := direct.Put(t.Context(), "s3://b/x", []byte("body"), bucket.PutOptions{}); err != nil {
				t.Error(err)
			}
		}, bucket.ErrExists},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake, target := newFakeS3(t)
			direct := newStore(t, target)
			lost := &buckettest.First{Method: "PUT", Fault: buckettest.Fault{LoseReply: true}}
			proxy := buckettest.NewProxy(t, target, func(r *http.Request) buckettest.Fault {
				fault := lost.Choose(r)
				if r.Method == "PUT" && !fault.LoseReply {
					test.then(t, direct)
				}
				return fault
			})
			object, err := newStore(t, proxy).Put(t.Context(), "s3://b/x", []byte("body"), bucket.PutOptions{IfAbsent: true})
			if !errors.Is(err, test.wants) || lost.Matched() != 2 {
				t.Errorf("after %d puts: %v", lost.Matched(), err)
			}
			if stored, err := direct.Stat(t.Context(), "s3://b/x"); err != nil || test.wants == nil && object.ETag != stored.ETag {
				t.Errorf("put tells %+v, stat %+v: %v", object, stored, err)
			}
			if writes, _ := fake.outcome(); test.wants == nil && writes != 1 {
				t.Errorf("written %d times", writes)
			}
		})
	}
}

// TestPut_NeverAnswered is about servers that refuse a put before they have
// read it, by which the answer gets lost each time.
func TestPut_NeverAnswered(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before string // what is stored
		fault  func() buckettest.Fault
		wants  error
	}{
		{"ours", "", func() buckettest.Fault { return buckettest.Fault{LoseReply: true} }, nil},
		{"theirs", "body", func() buckettest.Fault { return buckettest.Fault{LoseReply: true} }, bucket.ErrExists},
		{"nobody's", "", func() buckettest.Fault { panic(http.ErrAbortHandler) }, errUnsorted},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, target := newFakeS3(t)
			if test.before != "" {
				if _, err := newStore(t, target).Put(t.Context(), "s3://b/x", []byte(test.before), bucket.PutOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			proxy := buckettest.NewProxy(t, target, func(r *http.Request) buckettest.Fault {
				if r.Method == "PUT" {
					return test.fault()
				}
				return buckettest.Fault{}
			})
			_, err := impatient(t, proxy).Put(t.Context(), "s3://b/x", []byte("body"), bucket.PutOptions{IfAbsent: true})
			if test.wants == errUnsorted {
				sortedAs(t, "put s3://b/x: no answer from the endpoint: ", err, nil, "EOF")
			} else if !errors.Is(err, test.wants) {
				t.Error(err)
			}
		})
	}
}

var errUnsorted = errors.New("none of the package's names")
