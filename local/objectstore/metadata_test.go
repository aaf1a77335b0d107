package objectstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/versity/versitygw/backend/meta"
)

func TestNewAttributes_DropsLongPartSizes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := newAttributes(dir, filepath.Join(dir, metadataDir))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := a.(attributes); !ok {
		t.Skip("the temporary directory has no extended attributes")
	}
	f, err := os.Create(filepath.Join(dir, "object"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		size int
		kept bool
	}{{maxPartSizes, true}, {maxPartSizes + 1, false}, {60_000, false}} {
		f.Truncate(0)
		want := bytes.Repeat([]byte("x"), c.size)
		a.DeleteAttribute(dir, "object", partSizes)
		if err := a.StoreAttribute(f, dir, "object", partSizes, want); err != nil {
			t.Errorf("%d bytes: %v", c.size, err)
		}
		got, err := a.RetrieveAttribute(f, dir, "object", partSizes)
		if kept := err == nil && bytes.Equal(got, want); kept != c.kept {
			t.Errorf("%d bytes: kept is %v, want %v (%v)", c.size, kept, c.kept, err)
		}
		if !c.kept && !errors.Is(err, meta.ErrNoSuchKey) {
			t.Errorf("%d bytes: %v, want %v", c.size, err, meta.ErrNoSuchKey)
		}
	}
}

func TestNewAttributes_WithoutExtendedAttributes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sidecar := filepath.Join(dir, metadataDir)
	// A directory that does not exist takes no attributes either.
	a, err := newAttributes(filepath.Join(dir, "none"), sidecar)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := a.(meta.SideCar); !ok {
		t.Errorf("got %T, want sidecar files", a)
	}
	// Once there are sidecar files, they stay.
	if a, err = newAttributes(dir, sidecar); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.(meta.SideCar); !ok {
		t.Errorf("got %T, want sidecar files", a)
	}
}
