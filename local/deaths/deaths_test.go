package deaths_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nightshift-run/nightshift/local/deaths"
)

// TestFew runs each death once, and a death in mid-run on every other provider.
// The command "deaths --full" of nightshift-local runs the whole matrix.
func TestFew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "nightshift-local")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/nightshift-run/nightshift/local").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cases := deaths.Few("nebius")
	for _, name := range deaths.Providers() {
		if name != "nebius" {
			cases = append(cases, deaths.Case{Provider: name, Death: "worker killed", Moment: "running"})
		}
	}
	results := deaths.Run(t.Context(), cases, deaths.Options{Program: program, Dir: dir, Parallel: 4})
	if len(results) != len(cases) {
		t.Errorf("%d of %d cases were run", len(results), len(cases))
	}
	for _, r := range results {
		if broken := r.Broken(); len(broken) > 0 {
			t.Errorf("%s: %q", r.Case, broken)
		}
	}
	deaths.Print(os.Stdout, results)
}
