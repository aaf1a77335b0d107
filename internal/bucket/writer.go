package bucket

import (
	"context"
	"errors"
)

// Writer writes an object whose size is not known beforehand, with bounded
// memory. Nothing can be seen of it before Commit. It serves one goroutine.
//
//	w, err := store.Create(ctx, url, "application/jsonl")
//	if err != nil {
//		return err
//	}
//	defer w.Abort()
//	... write to w ...
//	_, err = w.Commit(ctx)
type Writer struct {
	ctx     context.Context // of Create
	url     string
	upload  upload
	traffic func(read, written int)
	ended   error // why Write and Commit are refused
	clean   bool  // nothing is left to abort
}

// upload is what a backend makes of a [Writer]. After a failed call, abort is
// the only one that follows.
type upload interface {
	Write(p []byte) (int, error)
	seal() error
	commit(ctx context.Context) (Object, error)
	abort() error
}

var (
	errCommitted = errors.New("committed already")
	errSealed    = errors.New("sealed already")
	errAborted   = errors.New("aborted already")
)

// Create begins an object that replaces its predecessor on Commit. contentType
// is as in [PutOptions]. ctx spans the writes: when it ends, they fail.
//
// On S3 what fits into one part becomes a single put; the rest goes up in
// parts, two at a time. A writer holds at most three parts. A part has 5 MiB up
// to the 16th GB and about a thousandth of the object from there on, to reach
// 5 TB within 10,000 parts: 80 MiB at 100 GB. On disk a writer holds nothing.
func (s *Store) Create(ctx context.Context, url, contentType string) (*Writer, error) {
	loc, err := locateObject(url)
	if err != nil {
		return nil, named("create", url, err)
	}
	upload, err := s.backend(loc).create(ctx, loc, contentType)
	if err != nil {
		return nil, named("create", url, sorted(ctx, err))
	}
	return &Writer{ctx: ctx, url: url, upload: upload, traffic: s.traffic}, nil
}

// Write takes all of p or fails, then for good. An error may belong to bytes
// of an earlier call.
func (w *Writer) Write(p []byte) (int, error) {
	if err := w.usable(); err != nil {
		return 0, named("write", w.url, err)
	}
	n, err := w.upload.Write(p)
	w.traffic(0, n)
	w.ended = sorted(w.ctx, err)
	return n, named("write", w.url, w.ended)
}

// Seal ends the writes: it hands what is left over to the store, which holds
// it unseen, and gives memory and files back. Commit then only publishes. So
// many objects can be written one after the other and appear together.
func (w *Writer) Seal() error {
	if err := w.usable(); err != nil {
		return named("seal", w.url, err)
	}
	if err := w.upload.seal(); err != nil {
		w.ended = sorted(w.ctx, err)
		return named("seal", w.url, w.ended)
	}
	w.ended = errSealed
	return nil
}

// Commit makes the object visible in one step and returns when it is. It can
// be called once. After an error that is none of this package's names the
// object may still have appeared, whole; writing it again is safe.
func (w *Writer) Commit(ctx context.Context) (Object, error) {
	if err := w.usable(); err != nil && !errors.Is(err, errSealed) {
		return Object{}, named("commit", w.url, err)
	}
	w.ended = errCommitted
	object, err := w.upload.commit(ctx)
	if err != nil {
		return Object{}, named("commit", w.url, sorted(ctx, err))
	}
	w.clean = true
	return object, nil
}

// usable tells why there can be no more writes, if so.
func (w *Writer) usable() error {
	if w.ended == nil {
		w.ended = w.ctx.Err()
	}
	return w.ended
}

// Abort throws away what was written, including the parts that S3 holds, even
// if ctx of Create is over. After Commit or Abort returned nil it does
// nothing. An error means that parts may be left; call it again.
func (w *Writer) Abort() error {
	if w.clean {
		return nil
	}
	w.ended = errAborted
	err := w.upload.abort()
	w.clean = err == nil
	return named("abort", w.url, sorted(context.WithoutCancel(w.ctx), err))
}
