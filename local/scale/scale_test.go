package scale_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nightshift-run/nightshift/local/objectstore"
	"github.com/nightshift-run/nightshift/local/scale"
)

// TestRun_ContinuesAsNewAndLosesAWorker has a job of more shards than are open
// at once go on in a new run, and one of its two workers die on the way. The
// command scale of nightshift-local does the same with a million lines.
func TestRun_ContinuesAsNewAndLosesAWorker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "nightshift")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/nightshift-run/nightshift/cmd/nightshift").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	objects, err := objectstore.Start(t.Context(), objectstore.Options{Dir: filepath.Join(dir, "s3"), Address: "127.0.0.1:0", Buckets: []string{scale.Bucket}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(objects.Stop)
	r, err := scale.Run(t.Context(), scale.Options{
		Lines: 2800, Files: 700, Workers: 2, Kill: true, SuggestAfter: 300, InFlight: 16,
		Program: program, Dir: dir, Objects: objects,
	})
	if err != nil {
		t.Fatal(err)
	}
	scale.Print(os.Stdout, []scale.Result{r})
	for _, what := range r.Broken() {
		t.Error(what)
	}
	if r.History.Runs < 2 || r.History.Shards != 700 {
		t.Errorf("%d runs, %d shards", r.History.Runs, r.History.Shards)
	}
	for i, memory := range r.Memory {
		if memory.Peak == 0 || r.Shares[i] == 0 {
			t.Errorf("worker %d: %+v, %d lines", i+1, memory, r.Shares[i])
		}
	}
}
