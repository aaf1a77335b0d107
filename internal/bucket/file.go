package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// fileStore is the backend for file://.
type fileStore struct{}

// fileObject describes a file. Its ETag is made of size, modification time and
// inode: hashing the content would read a whole file to describe it. Objects
// written here get a modification time of full clock resolution, so that even
// two puts of equal size within one tick of the file system's clock (up to
// 10 ms) differ. What another program changes in place, to the same size and
// within a tick, goes unnoticed.
func fileObject(loc location, info fs.FileInfo) Object {
	return Object{
		URL:      loc.url,
		Size:     info.Size(),
		ETag:     fmt.Sprintf("%x-%x-%x", info.Size(), info.ModTime().UnixNano(), inode(info)),
		Modified: info.ModTime(),
	}
}

// regular returns what is at a path, which is no object unless it is a regular
// file: opening a pipe, say, would block.
func regular(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, ErrNotFound
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, ErrNotFound
	}
	return info, err
}

func (fileStore) stat(ctx context.Context, loc location) (Object, error) {
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	info, err := regular(loc.path)
	if err != nil {
		return Object{}, err
	}
	return fileObject(loc, info), nil
}

func (fileStore) remove(ctx context.Context, loc location) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := regular(loc.path); err != nil {
		return err // folders too are no objects and stay
	}
	return os.Remove(loc.path)
}

func (fileStore) put(ctx context.Context, loc location, body []byte, o PutOptions) (Object, error) {
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	if _, err := os.Lstat(loc.path); err == nil && o.IfAbsent {
		return Object{}, ErrExists // saves the writing; publish decides
	}
	w, err := newPartial(loc)
	if err != nil {
		return Object{}, err
	}
	if _, err := w.Write(body); err != nil {
		return Object{}, errors.Join(err, w.abort())
	}
	publish := w.replace
	if o.IfAbsent {
		publish = w.linkNew
	}
	return w.publish(publish)
}

func (fileStore) create(ctx context.Context, loc location, _ string) (upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return newPartial(loc)
}

func (fileStore) open(ctx context.Context, loc location, o ReadOptions) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := regular(loc.path); err != nil {
		return nil, err
	}
	file, err := os.Open(loc.path)
	if err != nil {
		return nil, err
	}
	r := &fileReader{ctx: ctx, loc: loc, file: file, next: o.Offset, end: math.MaxInt64}
	if o.Length > 0 && o.Length < math.MaxInt64-o.Offset {
		r.end = o.Offset + o.Length
	}
	if err := r.pin(o.ETag); err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

// fileReader reads bytes [next, end) of one version of a file. A file that is
// replaced stays readable; one that is changed in place is noticed.
type fileReader struct {
	ctx       context.Context
	loc       location
	file      *os.File
	etag      string
	next, end int64
}

// pin remembers the version and bounds the range by its size.
func (r *fileReader) pin(etag string) error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	object := fileObject(r.loc, info)
	if etag != "" && etag != object.ETag {
		return ErrChanged
	}
	r.etag = object.ETag
	r.end = min(r.end, object.Size)
	return nil
}

// Read implements io.Reader.
func (r *fileReader) Read(p []byte) (int, error) {
	if r.next >= r.end {
		return 0, io.EOF
	}
	n, err := r.file.ReadAt(p[:min(int64(len(p)), r.end-r.next)], r.next)
	if n > 0 || err == io.EOF { // end of file before r.end: it was cut short
		err = r.unchanged()
	}
	if err == nil {
		err = r.ctx.Err()
	}
	if err != nil {
		return 0, named("read", fmt.Sprintf("%s at %d", r.loc.url, r.next), sorted(r.ctx, err))
	}
	r.next += int64(n)
	return n, nil
}

// unchanged is asked after each read, before its bytes are handed out.
func (r *fileReader) unchanged() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if fileObject(r.loc, info).ETag != r.etag {
		return ErrChanged
	}
	return nil
}

// Close implements io.Closer.
func (r *fileReader) Close() error { return r.file.Close() }
