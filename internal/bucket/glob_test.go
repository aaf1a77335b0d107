package bucket

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGlob_BadPatterns(t *testing.T) {
	t.Parallel()
	store, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]string{
		"s3://buck*/key":     "the bucket's name cannot be a pattern",
		"s3://*":             "the bucket's name cannot be a pattern",
		"s3://b/{a,b":        "brackets do not match",
		"*.jsonl":            "write s3://bucket/key or file:///path",
		"file://data/*.json": "absolute path",
		"s3://b/../*":        `without "." and ".."`,
	} {
		found := 0
		for _, err := range store.Glob(t.Context(), pattern) {
			found++
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", pattern, err, want)
			}
		}
		if found != 1 {
			t.Errorf("%s yields %d times", pattern, found)
		}
	}
}

// Folders that cannot hold a match are not read.
func TestGlob_EntersOnlyWhatCanMatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"in/a.jsonl", "other/a.jsonl", "in/deeper/other/a.jsonl"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var entered []string
	g, err := parseGlob("file://" + dir + "/i*/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	enters := func(folder string) bool {
		ok := g.enters(folder)
		if ok {
			entered = append(entered, strings.TrimPrefix(folder, "file://"+dir))
		}
		return ok
	}
	for _, err := range (fileStore{}).list(t.Context(), g.loc, enters) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(entered, " "); got != "/in" {
		t.Errorf("entered %s", got)
	}
}
