package bucket_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/bucket/buckettest"
)

func newFiles(t testing.TB) (store *bucket.Store, folder string) {
	t.Helper()
	store, err := bucket.New(t.Context(), bucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return store, t.TempDir()
}

func TestFile_Conformance(t *testing.T) {
	store, folder := newFiles(t)
	t.Run("suite", func(t *testing.T) { buckettest.Run(t, store, "file://"+folder) })
	partials, err := filepath.Glob(filepath.Join(folder, "*", ".bucket-partial-*"))
	if err != nil || len(partials) > 0 {
		t.Errorf("left %q: %v", partials, err)
	}
}

// TestFile_NotObjects shows what lies in a folder and is no object.
func TestFile_NotObjects(t *testing.T) {
	t.Parallel()
	store, folder := newFiles(t)
	outside := filepath.Join(t.TempDir(), "outside")
	err := errors.Join(
		os.WriteFile(outside, []byte("outside"), 0o600),
		os.Symlink(outside, filepath.Join(folder, "link")),
		os.Symlink(filepath.Dir(outside), filepath.Join(folder, "linked folder")),
		os.Mkdir(filepath.Join(folder, "folder"), 0o700),
		makePipe(filepath.Join(folder, "pipe")),
		os.WriteFile(filepath.Join(folder, ".bucket-partial-X"), nil, 0o600),
		os.WriteFile(filepath.Join(folder, "object"), nil, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for object, err := range store.List(t.Context(), "file://"+folder+"/") {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, strings.TrimPrefix(object.URL, "file://"+folder+"/"))
	}
	if !slices.Equal(listed, []string{"object"}) {
		t.Errorf("listed %q", listed)
	}
	for _, name := range []string{"folder", "pipe", "linked folder"} {
		if _, err := store.Open(t.Context(), "file://"+folder+"/"+name, bucket.ReadOptions{}); !errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("open %s: %v", name, err)
		}
		if err := store.Delete(t.Context(), "file://"+folder+"/"+name); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
		if _, err := os.Lstat(filepath.Join(folder, name)); err != nil {
			t.Errorf("after delete: %v", err)
		}
	}
	if object, err := store.Stat(t.Context(), "file://"+folder+"/link"); err != nil || object.Size != 7 {
		t.Errorf("a link that was named: %+v, %v", object, err)
	}
}

// TestFile_InTheWay is a folder where the object should be, or the reverse.
func TestFile_InTheWay(t *testing.T) {
	t.Parallel()
	store, folder := newFiles(t)
	for _, key := range []string{"file", "folder/x"} {
		if _, err := store.Put(t.Context(), "file://"+folder+"/"+key, nil, bucket.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]string{
		"file/x":                 "a file stands where a folder is needed",
		"folder":                 "a folder of this name stands there",
		strings.Repeat("x", 300): "file name too long",
	} {
		_, err := store.Create(t.Context(), "file://"+folder+"/"+key, "")
		check(t, "create "+key, err, want)
		_, err = store.Put(t.Context(), "file://"+folder+"/"+key, nil, bucket.PutOptions{})
		check(t, "put "+key, err, want)
	}
}

// TestFile_ChangedInPlace by a program that does not replace files.
func TestFile_ChangedInPlace(t *testing.T) {
	t.Parallel()
	changes := map[string]func(path string) error{
		"grown": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("more")
			return errors.Join(err, f.Close())
		},
		"cut short": func(path string) error { return os.Truncate(path, 5) },
		"rewritten": func(path string) error { return os.WriteFile(path, []byte("9876543210"), 0o600) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, folder := newFiles(t)
			url := "file://" + folder + "/x"
			if _, err := store.Put(t.Context(), url, []byte("0123456789"), bucket.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			r, err := store.Open(t.Context(), url, bucket.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(folder, "x")); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); len(got) > 0 || !errors.Is(err, bucket.ErrChanged) || !strings.Contains(err.Error(), url+" at 4") {
				t.Errorf("read %q: %v", got, err)
			}
		})
	}
}

func TestFile_Denied(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may read and write everything")
	}
	store, folder := newFiles(t)
	if err := os.Chmod(folder, 0); err != nil {
		t.Fatal(err)
	}
	_, err := store.Put(t.Context(), "file://"+folder+"/x", nil, bucket.PutOptions{})
	sortedAs(t, "put file://", err, bucket.ErrDenied, "check the permissions")
}

func TestFile_CancelledBefore(t *testing.T) {
	t.Parallel()
	store, folder := newFiles(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for op, err := range callAll(ctx, store, "file://"+folder+"/x") {
		if op != "list" && !errors.Is(err, context.Canceled) { // there is nothing to list
			t.Errorf("%s: %v", op, err)
		}
	}
}
