package objectstore

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// files is the back end, made safe against clients that break off in the middle
// of a body: it would take an unsigned one for whole, and the gateway would print
// its error to stderr if that is not one of S3's.
type files struct {
	*posix.Posix
	log *slog.Logger
}

func (f files) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	in.Body = whole(in.Body, in.ContentLength)
	out, err := f.Posix.PutObject(ctx, in)
	return out, f.sort("put", *in.Bucket, *in.Key, err)
}

func (f files) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	in.Body = whole(in.Body, in.ContentLength)
	out, err := f.Posix.UploadPart(ctx, in)
	return out, f.sort("upload part", *in.Bucket, *in.Key, err)
}

func (f files) sort(operation, bucket, key string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[s3err.S3Error](err); ok {
		return known
	}
	f.log.Warn("object store: "+operation, "bucket", bucket, "key", key, "error", err)
	return s3err.GetAPIError(s3err.ErrInternalError)
}

// wholeReader ends with an error if that comes too early.
type wholeReader struct {
	io.Reader
	left int64 // bytes
}

// whole leaves bodies in chunks alone: they tell where they end, and the back end
// asks them for their checksum.
func whole(body io.Reader, length *int64) io.Reader {
	if _, chunks := body.(middlewares.ChecksumReader); chunks || length == nil {
		return body
	}
	return &wholeReader{body, *length}
}

func (r *wholeReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.left -= int64(n)
	if r.left > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF) {
		err = s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	return n, err
}
