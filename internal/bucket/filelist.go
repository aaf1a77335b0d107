package bucket

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func (fileStore) list(ctx context.Context, loc location, enters func(string) bool) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		folder, prefix := filepath.Split(loc.path)
		walk(ctx, folder, prefix, enters, yield)
	}
}

// walk yields the objects in a folder whose names start with prefix, and all in
// its subfolders of such names, those that are not to be entered left out. It
// returns whether to go on.
func walk(ctx context.Context, folder, prefix string, enters func(string) bool, yield func(Object, error) bool) bool {
	entries, err := matching(folder, prefix)
	if err != nil {
		yield(Object{}, err)
		return false
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			yield(Object{}, err)
			return false
		}
		goOn := true
		path := filepath.Join(folder, entry.Name())
		if !entry.IsDir() {
			goOn = yieldFile(path, entry, yield)
		} else if enters == nil || enters("file://"+path) {
			goOn = walk(ctx, path, "", enters, yield)
		}
		if !goOn {
			return false
		}
	}
	return true
}

func yieldFile(path string, entry fs.DirEntry, yield func(Object, error) bool) bool {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return true // deleted since the folder was read
	}
	if err != nil {
		yield(Object{}, err)
		return false
	}
	return yield(fileObject(location{url: "file://" + path}, info), nil)
}

// matching reads a folder in the order of keys, in which a folder's name is
// followed by a slash: "a-b" comes before "a/b", though "a" before "a-b". A
// folder that is not there is empty, as on S3.
func matching(folder, prefix string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		isObject := e.Type().IsRegular() && !strings.HasPrefix(e.Name(), partialPrefix)
		return !strings.HasPrefix(e.Name(), prefix) || !isObject && !e.IsDir()
	})
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(keyOf(a), keyOf(b)) })
	return entries, err
}

func keyOf(entry fs.DirEntry) string {
	if entry.IsDir() {
		return entry.Name() + "/"
	}
	return entry.Name()
}
