package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// TestErrors_Sorted answers every call alike and looks at the name and the
// text of the error. want is part of the text; head replaces it where an
// answer without a body says less.
func TestErrors_Sorted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status     int
		code       string
		name       error
		want, head string
	}{
		{404, "NoSuchKey", bucket.ErrNotFound, "not found: HTTP 404 NoSuchKey: about it (request R1)", "not found: HTTP 404 NotFound"},
		{404, "NoSuchBucket", bucket.ErrNotFound, "NoSuchBucket", "not found"},
		{403, "AccessDenied", bucket.ErrDenied, "check the bucket policy", "check the bucket policy"},
		{403, "InvalidAccessKeyId", bucket.ErrDenied, "set AWS_ACCESS_KEY_ID", "set AWS_ACCESS_KEY_ID"},
		{403, "SignatureDoesNotMatch", bucket.ErrDenied, "SignatureDoesNotMatch", "access denied"},
		{401, "Unauthorized", bucket.ErrDenied, "access denied", "access denied"},
		{400, "ExpiredToken", bucket.ErrDenied, "ExpiredToken", ""},
		{400, "AuthorizationHeaderMalformed", bucket.ErrDenied, "in another region (eu-north-1): set AWS_REGION", ""},
		{301, "PermanentRedirect", bucket.ErrDenied, "in another region (eu-north-1): set AWS_REGION", "in another region (eu-north-1)"},
		{400, "KeyTooLongError", bucket.ErrURL, "KeyTooLongError", ""},
		{412, "PreconditionFailed", bucket.ErrChanged, "PreconditionFailed", ""},
		{507, "XMinioStorageFull", bucket.ErrFull, "no space left: HTTP 507 XMinioStorageFull", ""},
		{400, "InvalidRequest", nil, "HTTP 400 InvalidRequest: about it", "HTTP 400"},
		{503, "SlowDown", nil, "HTTP 503 SlowDown: about it", "HTTP 503"},
		{404, "", nil, "not an answer of an S3 server; is the endpoint right?", "HTTP 404"},
		{200, "", nil, "is the endpoint right?", ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d %s", test.status, test.code), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Amz-Bucket-Region", "eu-north-1")
				w.Header().Set("X-Amz-Request-Id", "R1")
				w.WriteHeader(test.status)
				if test.code == "" {
					io.WriteString(w, "<html><body>It works!</html>")
					return
				}
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>about\nit</Message></Error>", test.code)
			}))
			defer server.Close()
			for op, err := range callAll(t.Context(), impatient(t, server.URL), "s3://b/x") {
				want := test.want
				if op == "stat" {
					want = test.head
				}
				name := test.name
				if op == "stat" && test.status == 404 {
					name = bucket.ErrNotFound // whatever it is that is not found
				}
				if (op == "open" || op == "put") && test.status == 200 || want == "" {
					continue // a web page can be an object, and a HEAD has no code
				}
				sortedAs(t, op+" s3://b/x: ", err, name, want)
			}
		})
	}
}

// impatient does not try again.
func impatient(t *testing.T, endpoint string) *bucket.Store {
	t.Helper()
	store, err := bucket.New(t.Context(), bucket.Options{
		Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey, MaxAttempts: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// callAll returns the errors by operation.
func callAll(ctx context.Context, store *bucket.Store, url string) map[string]error {
	outcomes := map[string]error{}
	_, outcomes["stat"] = store.Stat(ctx, url)
	_, outcomes["open"] = store.Open(ctx, url, bucket.ReadOptions{})
	_, outcomes["put"] = store.Put(ctx, url, nil, bucket.PutOptions{})
	for _, err := range store.List(ctx, url) {
		outcomes["list"] = err
	}
	w, err := store.Create(ctx, url, "")
	if err == nil {
		_, err = w.Write(make([]byte, 6<<20))
	}
	outcomes["write"] = err
	return outcomes
}

func sortedAs(t *testing.T, prefix string, err, name error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), prefix) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s...%s", err, prefix, want)
		return
	}
	for _, known := range []error{bucket.ErrNotFound, bucket.ErrExists, bucket.ErrChanged, bucket.ErrDenied, bucket.ErrURL} {
		if errors.Is(err, known) != (known == name) {
			t.Errorf("%v: is it %q?", err, known)
		}
	}
	if strings.Contains(err.Error(), accessKey) || strings.Contains(err.Error(), secretKey) {
		t.Errorf("%v tells a secret", err)
	}
}

func TestErrors_NoServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	for op, err := range callAll(t.Context(), impatient(t, server.URL), "s3://b/x") {
		sortedAs(t, op+" s3://b/x: no answer from the endpoint: dial tcp ", err, nil, "connection refused; is it right?")
	}
}

func TestDelete_Denied(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{403: bucket.ErrDenied, 404: nil} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, "<Error><Code>Any</Code></Error>")
		}))
		defer server.Close()
		if err := impatient(t, server.URL).Delete(t.Context(), "s3://b/x"); !errors.Is(err, want) {
			t.Errorf("HTTP %d: %v", status, err)
		}
	}
}

// TestErrors_NoCredentials runs without any, and without a set-up that loads;
// files work all the same.
func TestErrors_NoCredentials(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "none")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", empty)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", empty)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, profile := range []string{"", "no-such-profile"} {
		t.Setenv("AWS_PROFILE", profile)
		store, err := bucket.New(t.Context(), bucket.Options{Endpoint: "http://127.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = store.Stat(t.Context(), "s3://b/x")
		sortedAs(t, "stat s3://b/x: access denied: no usable credentials (", err, bucket.ErrDenied, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		if _, err := store.Put(t.Context(), "file://"+t.TempDir()+"/x", nil, bucket.PutOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// TestOptions_KeysGiven: with keys of its own a store reads no profile or variable,
// so that one that does not load is not in the way.
func TestOptions_KeysGiven(t *testing.T) {
	t.Setenv("AWS_PROFILE", "no-such-profile")
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), accessKey) {
			t.Errorf("signed: %s", r.Header.Get("Authorization"))
		}
	}))
	defer server.Close()
	if _, err := newStore(t, server.URL).Put(t.Context(), "s3://b/x", nil, bucket.PutOptions{}); err != nil {
		t.Error(err)
	}
}

// TestErrors_CredentialsProviderDown is no reason to give up: it comes back.
func TestErrors_CredentialsProviderDown(t *testing.T) {
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer metadata.Close()
	empty := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": empty, "AWS_SHARED_CREDENTIALS_FILE": empty,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": metadata.URL, "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(name, value)
	}
	store, err := bucket.New(t.Context(), bucket.Options{Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Stat(t.Context(), "s3://b/x")
	sortedAs(t, "stat s3://b/x: ", err, nil, "the credentials' provider answered HTTP 503")
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	tests := map[string]bucket.Options{
		"key without secret": {AccessKey: accessKey},
		"secret without key": {SecretKey: secretKey},
		"no scheme":          {Endpoint: "127.0.0.1:9000"},
		"other scheme":       {Endpoint: "s3://127.0.0.1:9000"},
		"no host":            {Endpoint: "http://"},
		"user in it":         {Endpoint: "http://user:" + secretKey + "@127.0.0.1:9000"},
		"query in it":        {Endpoint: "http://127.0.0.1:9000?key=" + secretKey},
	}
	for name, options := range tests {
		_, err := bucket.New(t.Context(), options)
		if err == nil || strings.Contains(err.Error(), accessKey) || strings.Contains(err.Error(), secretKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
