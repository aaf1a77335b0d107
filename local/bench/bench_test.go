package bench_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nightshift-run/nightshift/local/bench"
)

// TestRun measures little of everything that needs no long job: whether the
// table comes, and every job in it completes, not how good the figures are.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	build := func(name, of string) string {
		program := filepath.Join(dir, name)
		if out, err := exec.Command("go", "build", "-o", program, "github.com/nightshift-run/nightshift/"+of).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return program
	}
	local, worker := build("nightshift-local", "local"), build("nightshift", "cmd/nightshift")
	for _, only := range []string{"0 ms", "HTTP/2", "kill", "idle"} {
		rows, err := bench.Run(t.Context(), bench.Options{Program: local, Worker: worker, Dir: dir, Lines: 4000, Rounds: 1, Only: only})
		if err != nil {
			t.Fatalf("%s: %v", only, err)
		}
		if len(rows) == 0 {
			t.Errorf("%s: no rows", only)
		}
		for _, row := range rows {
			if row.What == "" || row.Ours == "" {
				t.Errorf("%s: %+v says nothing", only, row)
			}
		}
		bench.Print(os.Stdout, rows)
	}
}
