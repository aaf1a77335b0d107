package bucket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// recorder keeps the requests that reach a handler.
type recorder struct {
	http.Handler
	mu   sync.Mutex
	seen []*http.Request
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.seen = append(r.seen, request.Clone(request.Context()))
	r.mu.Unlock()
	r.Handler.ServeHTTP(w, request)
}

// useAll makes every kind of request that the store can make.
func useAll(t *testing.T, store *bucket.Store) {
	t.Helper()
	ctx := t.Context()
	_, err := store.Put(ctx, "s3://b/small", []byte("x"), bucket.PutOptions{IfAbsent: true})
	w, createErr := store.Create(ctx, "s3://b/large", "")
	if err := errors.Join(err, createErr); err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(bytes.Repeat([]byte("y"), 6<<20))
	_, commitErr := w.Commit(ctx)
	_, statErr := store.Stat(ctx, "s3://b/small")
	r, openErr := store.Open(ctx, "s3://b/small", bucket.ReadOptions{})
	if err := errors.Join(err, commitErr, statErr, openErr); err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, r)
	for _, listErr := range store.List(ctx, "s3://b/") {
		err = errors.Join(err, listErr)
	}
	if err := errors.Join(err, r.Close(), store.Delete(ctx, "s3://b/small")); err != nil {
		t.Fatal(err)
	}
}

func TestS3_HeadersOfEveryRequest(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"
	tests := []struct {
		name    string
		options bucket.Options
		payer   string
		key     string
	}{
		{"plain", bucket.Options{}, "", ""},
		{"requester pays", bucket.Options{RequesterPays: true}, "requester", ""},
		{"KMS", bucket.Options{KMSKey: key}, "", key},
		{"both", bucket.Options{KMSKey: key, RequesterPays: true}, "requester", key},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := emptyS3()
			seen := &recorder{Handler: fake}
			server := httptest.NewServer(seen)
			defer server.Close()
			o := test.options
			o.Endpoint, o.AccessKey, o.SecretKey = server.URL, accessKey, secretKey
			store, err := bucket.New(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			useAll(t, store)
			if len(seen.seen) < 9 {
				t.Fatalf("%d requests, want those of 7 operations", len(seen.seen))
			}
			for _, request := range seen.seen {
				checkHeaders(t, request, test.payer, test.key)
			}
		})
	}
}

// checkHeaders wants the payer in every request and the key where an object
// begins, each signed.
func checkHeaders(t *testing.T, request *http.Request, payer, key string) {
	t.Helper()
	query := request.URL.Query()
	begins := request.Method == http.MethodPut && !query.Has("uploadId") || query.Has("uploads")
	algorithm := "aws:kms"
	if key == "" || !begins {
		key, algorithm = "", ""
	}
	for name, want := range map[string]string{
		"X-Amz-Request-Payer":                         payer,
		"X-Amz-Server-Side-Encryption":                algorithm,
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": key,
	} {
		what := fmt.Sprintf("%s %s: %s", request.Method, request.URL, name)
		if got := request.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
		if want != "" && !strings.Contains(request.Header.Get("Authorization"), strings.ToLower(name)) {
			t.Errorf("%s is not signed", what)
		}
	}
}

func TestMakeBucket(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		code   string
		head   int // what HEAD of the bucket answers
		want   error
	}{
		{"made", 200, "", 0, nil},
		{"ours already", 409, "BucketAlreadyOwnedByYou", 0, nil},
		{"ours in other words", 409, "BucketAlreadyExists", 200, nil},
		{"somebody else's", 409, "BucketAlreadyExists", 403, bucket.ErrExists},
		{"not allowed", 403, "AccessDenied", 0, bucket.ErrDenied},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != "/new" && r.URL.Path != "/new/":
					t.Errorf("asked for %s", r.URL)
				case r.Method == http.MethodHead:
					w.WriteHeader(test.head)
				case test.code != "":
					refuse(w, test.status, test.code)
				}
			}))
			defer server.Close()
			if err := newStore(t, server.URL).MakeBucket(t.Context(), "s3://new"); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
