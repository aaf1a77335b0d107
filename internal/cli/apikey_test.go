package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeyFile_Rotation: a key that was replaced is used within apiKeyEvery, and
// one that is gone for a moment, or empty, stays what it was.
func TestKeyFile_Rotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	synctest.Test(t, func(t *testing.T) {
		file := &keyFile{path: path}
		if _, err := file.key(t.Context()); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a file that is not there: %v", err)
		}
		for _, step := range []struct{ written, want string }{
			{"first\n", "first"}, {"second", "second"}, {"", "second"}, {"third", "third"},
		} {
			if err := os.WriteFile(path, []byte(step.written), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(apiKeyEvery)
			if got, err := file.key(t.Context()); err != nil || got != step.want {
				t.Errorf("key %q, %v, want %q", got, err, step.want)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(apiKeyEvery)
		if got, err := file.key(t.Context()); err != nil || got != "third" {
			t.Errorf("key %q, %v, want that of before", got, err)
		}
	})
}
