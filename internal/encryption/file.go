package encryption

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// Source says which keys there are at this moment.
type Source interface {
	// Current returns the keys, if possible newer ones than before.
	Current(fresh bool) *Keys
}

// Current implements Source: the keys are always the same.
func (k *Keys) Current(bool) *Keys { return k }

// A file of keys is looked at every fileEvery, and, for the sake of a key that is
// not known, at most every freshEvery.
const (
	fileEvery  = 5 * time.Second
	freshEvery = 200 * time.Millisecond
)

// File is a file of keys that somebody changes now and then. While it cannot be
// read, or is malformed, the keys stay what they were.
type File struct {
	path string

	mu   sync.Mutex
	keys *Keys
	read time.Time
}

// OpenFile reads the file, which must hold keys now already.
func OpenFile(path string) (*File, error) {
	f := &File{path: path}
	return f, f.load()
}

func (f *File) load() error {
	f.read = time.Now()
	text, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("encryption keys: %w", err)
	}
	keys, err := Parse(string(text))
	if err != nil {
		return fmt.Errorf("encryption keys in %s: %w", f.path, err)
	}
	f.keys = keys
	return nil
}

// Current implements Source.
func (f *File) Current(fresh bool) *Keys {
	f.mu.Lock()
	defer f.mu.Unlock()
	every := fileEvery
	if fresh {
		every = freshEvery
	}
	if time.Since(f.read) >= every {
		_ = f.load() // then they stay what they were
	}
	return f.keys
}
