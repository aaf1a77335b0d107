// Package golden compares what a test made with a file that is checked in. With
// the flag -update, which every test binary gets that imports it, the files are
// written anew instead.
package golden

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write golden files anew")

// Check fails the test if got is not what the file holds, a path from the
// package's folder.
func Check(t testing.TB, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what was made (go test -run '^%s$' -update takes it over):\n%s", file, t.Name(), got)
	}
}
