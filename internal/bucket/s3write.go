package bucket

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// parallelParts is how many parts go up while another is filled. One hides the
	// latency of its answer; more would only need more memory.
	parallelParts = 1
	// firstPart is the size of the first parts, in bytes: the least that S3
	// takes. Two of them, and as much again before the garbage collector
	// runs, keep a process that streams one object below 30 MB.
	firstPart = 5 << 20
	// smallBuffer is how far a buffer grows by doubling, in bytes, before it is
	// replaced by one for a whole part.
	smallBuffer = 1 << 20
	// abortTimeout bounds Abort, which runs when the caller's context is over.
	abortTimeout = 30 * time.Second
)

// partSize returns how many bytes part n has, counted from 0. S3 takes 10,000
// parts of at most 5 GiB and objects of 5 TB. With this rule 3,000 parts hold
// 16 GB, 6,500 parts 230 GB and 10,000 parts 5.6 TB, the largest having 2.5
// GiB. One size for as long as possible suits servers that want all parts of
// an object alike (R2).
func partSize(n int) int64 {
	return firstPart << min(max(0, (n-2300)/700), 9)
}

// multipart is the upload of one object to S3.
type multipart struct {
	store       *s3Store
	loc         location
	contentType string

	ctx    context.Context // of Create, ended by the first failed part and by abort
	cancel context.CancelFunc
	parts  *errgroup.Group

	mark     string
	uploadID string // empty until the first part is full
	sealed   bool
	sent     int         // parts handed to the group
	size     int64       // bytes in them
	buffer   []byte      // the part being filled
	free     chan []byte // of a part that is up, for the next

	mu   sync.Mutex
	done []types.CompletedPart
}

func (s *s3Store) create(ctx context.Context, loc location, contentType string) (upload, error) {
	ctx, cancel := context.WithCancel(ctx)
	parts, ctx := errgroup.WithContext(ctx)
	parts.SetLimit(parallelParts)
	return &multipart{
		store: s, loc: loc, contentType: contentType,
		ctx: ctx, cancel: cancel, parts: parts,
		mark: rand.Text(),
		free: make(chan []byte, parallelParts),
	}, nil
}

// Write implements io.Writer.
func (m *multipart) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		room := partSize(m.sent) - int64(len(m.buffer))
		if room == 0 {
			if err := m.send(); err != nil {
				return written, err
			}
			continue
		}
		n := min(int(room), len(p)-written)
		m.buffer = append(m.grown(n), p[written:written+n]...)
		written += n
	}
	return written, m.broken()
}

// broken returns the error of a part that failed, or of the caller's context.
func (m *multipart) broken() error {
	ended := m.ctx.Err()
	if ended == nil {
		return nil
	}
	if err := m.parts.Wait(); err != nil {
		return err
	}
	return ended
}

// grown returns the buffer with room for n more bytes, so that small objects
// take little memory and large ones no more than their parts.
func (m *multipart) grown(n int) []byte {
	need := len(m.buffer) + n
	switch {
	case need <= cap(m.buffer):
		return m.buffer
	case need <= smallBuffer && m.sent == 0:
		return append(make([]byte, 0, min(max(2*cap(m.buffer), need, 4<<10), smallBuffer)), m.buffer...)
	default:
		return append(m.next(partSize(m.sent)), m.buffer...)
	}
}

// next returns an empty buffer for a part of so many bytes: that of the part
// which went up before, if possible, so that an upload has no more of them than
// parts on their way and one that is filled.
func (m *multipart) next(size int64) []byte {
	select {
	case used := <-m.free:
		if int64(cap(used)) >= size {
			return used[:0]
		}
	default:
	}
	return m.store.buffer(size)
}

// finished takes the buffer of a part that is up.
func (m *multipart) finished(buffer []byte) {
	select {
	case m.free <- buffer:
	default:
		m.store.recycle(buffer)
	}
}

// giveBack leaves the buffers to other uploads. No part is on its way.
func (m *multipart) giveBack() {
	m.store.recycle(m.buffer)
	m.buffer = nil
	select {
	case buffer := <-m.free:
		m.store.recycle(buffer)
	default:
	}
}

// buffer returns an empty one for a part of so many bytes, used before if
// possible: they are much too large to leave to the garbage collector alone.
func (s *s3Store) buffer(size int64) []byte {
	if used, ok := s.buffers.Get().(*[]byte); ok && int64(cap(*used)) >= size {
		return (*used)[:0]
	}
	return make([]byte, 0, size)
}

// recycle takes back a buffer whose last request is over.
func (s *s3Store) recycle(buffer []byte) {
	if cap(buffer) > smallBuffer {
		s.buffers.Put(&buffer)
	}
}

// send hands the buffer over as the next part, and waits while enough others
// are on their way.
func (m *multipart) send() error {
	client, err := m.store.api(m.ctx)
	if err != nil {
		return err
	}
	if err := m.begin(client); err != nil {
		return err
	}
	body := m.buffer
	m.sent++
	m.size += int64(len(body))
	number := aws.Int32(int32(m.sent))
	m.parts.Go(func() error {
		part, err := client.UploadPart(m.ctx, &s3.UploadPartInput{
			Bucket: &m.loc.bucket, Key: &m.loc.key, UploadId: &m.uploadID,
			PartNumber: number, Body: bytes.NewReader(body),
		})
		m.finished(body)
		if err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done = append(m.done, types.CompletedPart{PartNumber: number, ETag: part.ETag})
		return nil
	})
	m.buffer = nil
	return m.broken()
}

// begin starts the upload unless it has been started.
func (m *multipart) begin(client *s3.Client) error {
	if m.uploadID != "" {
		return nil
	}
	begun, err := client.CreateMultipartUpload(m.ctx, &s3.CreateMultipartUploadInput{
		Bucket: &m.loc.bucket, Key: &m.loc.key, ContentType: contentType(m.contentType),
		Metadata: map[string]string{markName: m.mark},
	})
	if err != nil {
		return err
	}
	m.uploadID = aws.ToString(begun.UploadId)
	return nil
}

// seal sends what is left as the last part, even if there is none before it: a
// buffer kept for a single put would be held until commit.
func (m *multipart) seal() error {
	if err := m.send(); err != nil {
		return err
	}
	m.sealed = true
	defer m.giveBack()
	return m.parts.Wait()
}

func (m *multipart) commit(ctx context.Context) (Object, error) {
	defer m.cancel()
	defer m.giveBack()
	if m.sealed {
		return m.complete(ctx)
	}
	if m.uploadID == "" {
		return m.store.put(ctx, m.loc, m.buffer, PutOptions{ContentType: m.contentType})
	}
	if err := m.send(); err != nil {
		return Object{}, err
	}
	if err := m.parts.Wait(); err != nil {
		return Object{}, err
	}
	return m.complete(ctx)
}

// complete joins the parts. The SDK repeats it when the answer is lost; the
// server then knows no such upload, though the object is there.
func (m *multipart) complete(ctx context.Context) (Object, error) {
	client, err := m.store.api(ctx)
	if err != nil {
		return Object{}, err
	}
	slices.SortFunc(m.done, func(a, b types.CompletedPart) int { return cmp.Compare(*a.PartNumber, *b.PartNumber) })
	output, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &m.loc.bucket, Key: &m.loc.key, UploadId: &m.uploadID,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: m.done},
	})
	if statusOf(err) == http.StatusNotFound {
		if head, _ := m.store.head(ctx, m.loc); head != nil && head.Metadata[markName] == m.mark {
			return headObject(m.loc, head), nil
		}
	}
	if err != nil {
		return Object{}, err
	}
	return Object{URL: m.loc.url, Size: m.size, ETag: unquoted(output.ETag)}, nil
}

func (m *multipart) abort() error {
	m.cancel()
	_ = m.parts.Wait() // what failed has been told by Write or Commit, or nobody wants to know
	m.giveBack()
	if m.uploadID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), abortTimeout)
	defer cancel()
	client, err := m.store.api(ctx)
	if err != nil {
		return err
	}
	_, err = client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &m.loc.bucket, Key: &m.loc.key, UploadId: &m.uploadID,
	})
	if statusOf(err) == http.StatusNotFound {
		return nil // finished after all, or aborted already
	}
	return err
}
