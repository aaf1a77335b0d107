package objectstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const bucket = "night"

// store is what the cases of TestServer work on.
type store struct {
	*Server
	*s3.Client
}

func serve(t *testing.T, o Options) store {
	t.Helper()
	o.Address = "127.0.0.1:0"
	o.Buckets = []string{bucket}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return store{s, client(s)}
}

// client never tries again: what the server answers is what is looked at.
func client(s *Server) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint()),
		Region:       s.Region(),
		UsePathStyle: true,
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: &http.Transport{}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.AccessKey(), SecretAccessKey: s.SecretKey()}, nil
		}),
	})
}

// put writes an object and returns its ETag.
func (s store) put(t *testing.T, key string, body []byte) string {
	t.Helper()
	out, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return *out.ETag
}

func (s store) checkObject(t *testing.T, key string, want []byte) {
	t.Helper()
	got, err := s.get(t, &s3.GetObjectInput{Key: &key})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes %.40q (%v), want %d bytes %.40q", key, len(got), got, err, len(want), want)
	}
}

func (s store) get(t *testing.T, in *s3.GetObjectInput) ([]byte, error) {
	t.Helper()
	in.Bucket = aws.String(bucket)
	out, err := s.GetObject(t.Context(), in)
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(io.LimitReader(out.Body, 64<<20))
}

// checkCode wants err to be the server's answer with that S3 error code, or nil
// if it is empty.
func checkCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	got := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		got = api.ErrorCode()
	}
	if got != want || (err == nil) != (want == "") {
		t.Errorf("%s: %v, want code %q", what, err, want)
	}
}

func status(err error) int {
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return resp.HTTPStatusCode()
	}
	return 0
}

// shared is a directory in memory, whose file system differs from the disk's.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "objectstore")
	if err != nil {
		t.Skip("no directory in memory: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// sidecar is a directory whose metadata lies in sidecar files.
func sidecar(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, metadataDir), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
