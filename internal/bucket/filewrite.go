package bucket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// partial is an unfinished file beside the place that it is meant for, so that
// one rename publishes it.
type partial struct {
	*os.File
	loc    location
	sealed *Object // nil until the file is closed for good
}

// newPartial makes the folders on the way as well. They stay, even if nothing
// is ever published: another writer may count on them.
func newPartial(loc location) (*partial, error) {
	switch info, err := os.Stat(loc.path); {
	case err == nil && info.IsDir():
		return nil, badURL("a folder of this name stands there")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err // such as a name too long, which the partial file's is not
	}
	folder := filepath.Dir(loc.path)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, err
	}
	name := filepath.Join(folder, partialPrefix+rand.Text())
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	return &partial{File: file, loc: loc}, nil
}

func (p *partial) seal() error {
	object, err := p.finished()
	p.sealed = &object
	return err
}

func (p *partial) commit(context.Context) (Object, error) { return p.publish(p.replace) }

// publish makes the content durable and then visible by the way given. When it
// returns, the partial file is gone.
func (p *partial) publish(way func() error) (Object, error) {
	object, err := p.finished()
	if err == nil {
		err = way()
	}
	if err == nil {
		err = syncFolder(filepath.Dir(p.loc.path))
	}
	return object, errors.Join(err, p.abort())
}

// finished closes the file for good and describes it.
func (p *partial) finished() (Object, error) {
	if p.sealed != nil {
		return *p.sealed, nil
	}
	now := time.Now() // with the clock's nanoseconds, which the file system would not give; see fileObject
	if err := os.Chtimes(p.Name(), now, now); err != nil {
		return Object{}, err
	}
	if err := p.Sync(); err != nil {
		return Object{}, err
	}
	info, err := p.Stat()
	if err != nil {
		return Object{}, err
	}
	return fileObject(p.loc, info), p.Close()
}

// replace takes the place of what is there.
func (p *partial) replace() error { return os.Rename(p.Name(), p.loc.path) }

// linkNew takes the place only if it is free. A hard link, unlike a rename,
// never replaces anything. Over NFS the answer can be lost, so a refused link
// is ours if it already leads to this very file.
func (p *partial) linkNew() error {
	err := os.Link(p.Name(), p.loc.path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	mine, errMine := os.Stat(p.Name())
	there, errThere := os.Lstat(p.loc.path)
	if errMine == nil && errThere == nil && os.SameFile(mine, there) {
		return nil
	}
	return ErrExists
}

func (p *partial) abort() error {
	p.Close()
	if err := os.Remove(p.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove partial file: %w", err)
	}
	return nil
}
