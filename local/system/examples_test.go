package system

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/examples"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// examplesBucket is where the examples read and write.
const examplesBucket = "nightshift"

// TestExamples runs every example as it stands, but for what each user has to
// fill in, by the built program and in one world: those without a schedule with
// run, the others by triggering their schedule.
func TestExamples(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Served: []string{"my-model"}}})
	_, existing := f.rented("nebius", provider.Stopped)
	fillIn := strings.NewReplacer("http://127.0.0.1:8000", f.CloudURL, "endpoint-of-yours", existing)
	files, err := examples.Jobs.ReadDir(".")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	f.spec(20) // writes an input
	ran := map[string]chan example{}
	for _, file := range files { // all at once: they mostly wait
		ran[file.Name()] = make(chan example, 1)
		text, err := examples.Jobs.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		mine := filepath.Join(t.TempDir(), file.Name())
		if err := os.WriteFile(mine, []byte(fillIn.Replace(string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
		go func() { ran[file.Name()] <- f.runExample(mine) }()
	}
	for _, file := range files {
		e := <-ran[file.Name()]
		if e.code != 0 || !strings.Contains(e.stdout, "requests 20: 20 completed, 0 failed") {
			t.Errorf("%s: exit code %d\n%s\n%s", file.Name(), e.code, e.stdout, e.stderr)
			continue
		}
		if kinds := f.conserved(e.spec); kinds["ok"] != 20 {
			t.Errorf("%s: result lines: %v", file.Name(), kinds)
		}
	}
	f.nothingRuns()
}

// example is what came of one.
type example struct {
	spec           jobs.Spec
	stdout, stderr string
	code           int
}

// runExample puts an input where the example reads, and runs it. What it cannot
// do shows in the exit code.
func (f *fixture) runExample(file string) (e example) {
	e.code = -1
	text, err := os.ReadFile(file)
	if err != nil {
		f.Error(err)
		return e
	}
	parsed, err := jobs.Parse(file, text)
	if err != nil {
		f.Error(err)
		return e
	}
	id := "example-" + strings.TrimSuffix(filepath.Base(file), ".yaml")
	e.spec, err = parsed.At(jobs.Moment{Time: time.Now().In(parsed.Schedule.Zone()), Job: id})
	if err != nil {
		f.Error(err)
		return e
	}
	if _, err := f.Store.Put(context.Background(), e.spec.Input[0], f.read(f.folder+"/in.jsonl"), bucket.PutOptions{}); err != nil {
		f.Error(err)
		return e
	}
	if parsed.Schedule.IsZero() {
		e.stdout, e.stderr, e.code = f.run("run", "--id", id, file)
		return e
	}
	f.run("schedule", "create", file)
	e.stdout, e.stderr, e.code = f.run("schedule", "trigger", "--watch", jobs.ScheduleID(file, parsed))
	return e
}
