package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxCuts is how many connections in a row may end without a new byte.
const maxCuts = 5

var errStalled = errors.New("the connection stood still")

// s3Reader streams bytes [next, end) of one version of an object over as many
// connections as it takes.
type s3Reader struct {
	ctx   context.Context
	store *s3Store
	loc   location
	etag  string // empty until the first answer, and after it only if the server knows none
	next  int64
	end   int64 // of what was asked for; after the first answer also within the object
	cuts  int
	err   error // final

	body   io.ReadCloser // nil between connections
	cancel context.CancelCauseFunc
	stall  *time.Timer // cancels the connection unless stopped
}

func (s *s3Store) open(ctx context.Context, loc location, o ReadOptions) (io.ReadCloser, error) {
	end := int64(math.MaxInt64)
	if o.Length > 0 && o.Length < math.MaxInt64-o.Offset {
		end = o.Offset + o.Length
	}
	r := &s3Reader{ctx: ctx, store: s, loc: loc, etag: o.ETag, next: o.Offset, end: end}
	if err := r.connect(); err != nil {
		return nil, err
	}
	return r, nil
}

// Read implements io.Reader.
func (r *s3Reader) Read(p []byte) (int, error) {
	for r.err == nil && len(p) > 0 {
		n, err := r.readOnce(p)
		r.next += int64(n)
		if n > 0 {
			r.cuts = 0
			return n, nil
		}
		r.err = err
	}
	return 0, r.err
}

// readOnce returns bytes, or a final error, or neither if it is worth calling
// again.
func (r *s3Reader) readOnce(p []byte) (int, error) {
	if r.next >= r.end {
		return 0, io.EOF
	}
	if r.ctx.Err() != nil {
		return 0, r.failed(r.ctx.Err())
	}
	if r.body == nil {
		return 0, r.failed(r.connect())
	}
	r.stall.Reset(r.store.stall)
	n, err := r.body.Read(p[:min(int64(len(p)), r.end-r.next)])
	r.stall.Stop()
	if err == nil || n > 0 {
		return n, nil
	}
	r.disconnect()
	return 0, r.failed(r.cut(err))
}

// cut decides whether to go on after a connection ended early.
func (r *s3Reader) cut(cause error) error {
	if cause == io.EOF {
		cause = io.ErrUnexpectedEOF
	}
	if r.etag == "" {
		return fmt.Errorf("%w, and the server sends no ETag to resume by", cause)
	}
	r.cuts++
	if r.cuts > maxCuts {
		return fmt.Errorf("%d times in a row: %w", r.cuts, cause)
	}
	if r.cuts == 1 { // most cuts are a node going away; the next one is there at once
		return nil
	}
	return wait(r.ctx, backoff(r.cuts))
}

// connect asks for bytes [next, end) of the pinned version.
func (r *s3Reader) connect() error {
	client, err := r.store.api(r.ctx)
	if err != nil {
		return err
	}
	input := &s3.GetObjectInput{Bucket: &r.loc.bucket, Key: &r.loc.key}
	if r.etag != "" {
		input.IfMatch = aws.String(`"` + r.etag + `"`)
	}
	switch {
	case r.end < math.MaxInt64:
		input.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.next, r.end-1))
	case r.next > 0:
		input.Range = aws.String(fmt.Sprintf("bytes=%d-", r.next))
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	output, err := client.GetObject(ctx, input)
	if err != nil {
		cancel(nil)
		if statusOf(err) == http.StatusRequestedRangeNotSatisfiable {
			return r.pastEnd()
		}
		return err
	}
	r.body, r.cancel = output.Body, cancel
	r.stall = time.AfterFunc(r.store.stall, func() { cancel(errStalled) })
	r.stall.Stop()
	return r.accept(output)
}

// accept checks that the answer is the version and the bytes asked for, since
// some servers and proxies ignore If-Match or Range.
func (r *s3Reader) accept(output *s3.GetObjectOutput) error {
	etag := unquoted(output.ETag)
	first, total, err := extent(output)
	switch {
	case r.etag != "" && etag != r.etag:
		err = ErrChanged
	case err == nil && first != r.next && r.next < total:
		err = fmt.Errorf("the server answered from byte %d, %d was asked for", first, r.next)
	}
	if err != nil {
		r.disconnect()
		return err
	}
	r.etag = etag
	r.end = min(r.end, total)
	return nil
}

// extent returns the first byte of an answer and the size of the object.
func extent(output *s3.GetObjectOutput) (first, total int64, err error) {
	if output.ContentRange == nil {
		if output.ContentLength == nil {
			return 0, 0, errors.New("the server tells no size")
		}
		return 0, *output.ContentLength, nil
	}
	var last int64
	if _, err := fmt.Sscanf(*output.ContentRange, "bytes %d-%d/%d", &first, &last, &total); err != nil {
		return 0, 0, fmt.Errorf("content range %q is not understood", *output.ContentRange)
	}
	return first, total, nil
}

// pastEnd makes an empty reader of a range that begins at or past the end.
func (r *s3Reader) pastEnd() error {
	object, err := r.store.stat(r.ctx, r.loc)
	switch {
	case err != nil:
		return err
	case r.etag != "" && object.ETag != r.etag:
		return ErrChanged
	case r.next < object.Size:
		return fmt.Errorf("the server refused bytes from %d on of an object of %d", r.next, object.Size)
	}
	r.end = r.next
	return nil
}

// failed adds to an error where the reader stood.
func (r *s3Reader) failed(err error) error {
	return named("read", fmt.Sprintf("%s at %d", r.loc.url, r.next), sorted(r.ctx, err))
}

func (r *s3Reader) disconnect() {
	if r.body != nil {
		r.stall.Stop()
		r.cancel(nil)
		r.body.Close()
		r.body = nil
	}
}

// Close implements io.Closer. It does not wait for the rest of the body.
func (r *s3Reader) Close() error {
	r.disconnect()
	if r.err == nil {
		r.err = r.failed(os.ErrClosed)
	}
	return nil
}
