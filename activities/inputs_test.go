package activities

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// requests are lines with custom ids from first to last.
func requests(first, last int) []byte {
	lines := bytes.SplitAfter(input(last+1), []byte("\n"))
	return bytes.Join(lines[first:last+1], nil)
}

func packed(t *testing.T, text []byte) (gzipped, zstandard []byte) {
	t.Helper()
	var one, other bytes.Buffer
	g := gzip.NewWriter(&one)
	z, err := zstd.NewWriter(&other)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{second(g.Write(text)), g.Close(), second(z.Write(text)), z.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return one.Bytes(), other.Bytes()
}

func second(_ int, err error) error { return err }

func TestPlanInput_WhichObjectsInWhichOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		input  []string
		output string // below the world's base
		want   []string
		kind   string // of the error
		says   string
	}{
		{"one", []string{"in/b.jsonl"}, "out/", []string{"in/b.jsonl"}, "", ""},
		{"in the order given", []string{"in/b.jsonl", "in/a.jsonl"}, "out/", []string{"in/b.jsonl", "in/a.jsonl"}, "", ""},
		{"a prefix, by key", []string{"in/"}, "out/", []string{"in/a.jsonl", "in/b.jsonl", "in/deep/c.jsonl", "in/é.jsonl"}, "", ""},
		{"a glob, by key", []string{"in/?.jsonl"}, "out/", []string{"in/a.jsonl", "in/b.jsonl", "in/é.jsonl"}, "", ""},
		{"a deep glob", []string{"**/[ac].jsonl"}, "in/deep/", []string{"in/a.jsonl"}, "", ""},
		{"named twice, read once", []string{"in/b.jsonl", "in/*.jsonl", "in/"}, "out/", []string{"in/b.jsonl", "in/a.jsonl", "in/é.jsonl", "in/deep/c.jsonl"}, "", ""},
		{"never what nightshift wrote", []string{""}, "out", []string{"in/a.jsonl", "in/b.jsonl", "in/deep/c.jsonl", "in/é.jsonl"}, "", ""},
		{"beside the results, named by itself", []string{"out/prompts.jsonl"}, "out/", []string{"out/prompts.jsonl"}, "", ""},
		{"a folder that only begins like the output", []string{"output/"}, "out", []string{"output/d.jsonl"}, "", ""},
		{"a prefix without objects", []string{"none/"}, "out/", nil, jobs.NoInput, "none/ names no object"},
		{"a glob without objects", []string{"in/*.gz"}, "out/", nil, jobs.NoInput, "in/*.gz names no object"},
		{"nothing but results", []string{"out/"}, "out/", nil, jobs.NoInput, "names no object but 4 below the job's output"},
		{"one of two names nothing", []string{"in/", "none/*"}, "out/", nil, jobs.NotFound, "none/* names no object"},
		{"one of two does not exist", []string{"in/", "none.jsonl"}, "out/", nil, jobs.NotFound, "none.jsonl: not found"},
		{"a result", []string{"out/output.jsonl"}, "out/", nil, jobs.InvalidInput, "is where nightshift itself writes"},
		{"work in progress", []string{"old/.nightshift/j/parts/00000000/1-a-00001.output.jsonl"}, "out/", nil, jobs.InvalidInput, "is where nightshift itself writes"},
		{"no pattern", []string{"in/[a"}, "out/", nil, jobs.InvalidInput, "brackets do not match"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, answerOK)
			for i, name := range []string{
				"in/b.jsonl", "in/a.jsonl", "in/deep/c.jsonl", "in/é.jsonl", "output/d.jsonl", "out/prompts.jsonl",
				"out/output.jsonl", "out/errors-00001.jsonl.gz", "out/.nightshift/j/plan.jsonl", "old/.nightshift/j/parts/00000000/1-a-00001.output.jsonl",
			} {
				w.put(name, requests(i, i))
			}
			call := workflows.PlanCall{Job: "job", Output: w.base + "/" + c.output}
			for _, url := range c.input {
				call.Input = append(call.Input, w.base+"/"+url)
			}
			if c.input[0] == "" { // all of the folder, but for what is only beside
				call.Input = jobs.URLs{w.base + "/{in,out,old}/"}
			}
			var planned workflows.Plan
			err := w.run(workflows.PlanInput, call, &planned)
			if kind, retried := typeOf(err); c.kind != "" && (kind != c.kind || retried || !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("error is %v", err)
			}
			if c.kind != "" {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			written, err := readPlan(t.Context(), w.store, planned.URL)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, object := range written.Inputs {
				got = append(got, strings.TrimPrefix(object.URL, w.base+"/"))
				if object.ETag == "" || object.Lines != 1 {
					t.Errorf("not pinned: %+v", object)
				}
			}
			if !slices.Equal(got, c.want) || planned.Requests != int64(len(c.want)) {
				t.Errorf("inputs are %q, want %q", got, c.want)
			}
		})
	}
}

// What a pattern names is settled when the input is planned: an object that
// comes later is not of the job, also when the activity runs again.
func TestPlanInput_PatternIsExpandedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.put("in/b.jsonl", requests(10, 19))
	call := w.planCall()
	call.Input = jobs.URLs{w.base + "/in/*"}
	var plan, again workflows.Plan
	if err := w.run(workflows.PlanInput, call, &plan); err != nil {
		t.Fatal(err)
	}
	w.put("in/a.jsonl", requests(0, 9))
	if err := w.run(workflows.PlanInput, call, &again); err != nil || !reflect.DeepEqual(again, plan) {
		t.Errorf("planned again: %+v, %v; before %+v", again, err, plan)
	}
}

// Compressed inputs are read as shards of their own, told by content: the names
// here lie.
func TestRunShard_CompressedInputs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	gzipped, _ := packed(t, requests(0, 1999))
	_, zstandard := packed(t, requests(3000, 3999))
	w.put("in/1.jsonl", gzipped)
	w.put("in/2.gz", requests(2000, 2999))
	w.put("in/3", zstandard)
	call := w.planCall()
	call.Input = jobs.URLs{w.base + "/in/"}
	var plan workflows.Plan
	if err := w.run(workflows.PlanInput, call, &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Requests != 4000 || plan.Shards < 8 {
		t.Fatalf("plan = %+v", plan)
	}
	// The originals may change or go: their text is staged.
	w.put("in/3", []byte("other"))
	w.runShards(plan)
	collected, err := w.collect(plan, "")
	if err != nil || collected.Counts.Completed != 4000 {
		t.Fatalf("collected = %+v, %v", collected, err)
	}
	for i, line := range w.lines("out/output.jsonl") {
		if line["custom_id"] != fmt.Sprintf("r-%d", i) {
			t.Fatalf("line %d is of %s", i, line["custom_id"])
		}
	}
}

// runShards runs all shards of a plan and returns what they count together.
func (w *world) runShards(plan workflows.Plan) (sum workflows.ShardDone) {
	w.Helper()
	for index := range plan.Shards {
		call := w.shard(plan)
		call.Shard = index
		var done workflows.ShardDone
		if err := w.run(workflows.RunShard, call, &done); err != nil {
			w.Fatal(err)
		}
		sum.Completed += done.Completed
		sum.Failed += done.Failed
	}
	return sum
}

func TestPlanInput_BrokenCompression(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	gzipped, _ := packed(t, input(1000))
	w.put("in.jsonl", gzipped[:len(gzipped)/2])
	err := w.run(workflows.PlanInput, w.planCall(), nil)
	if kind, retried := typeOf(err); kind != jobs.InvalidInput || retried || !strings.Contains(err.Error(), "the gzip compression is cut off after") {
		t.Errorf("error is %v", err)
	}
	for object, err := range w.store.List(t.Context(), w.base+"/out/") {
		if err != nil || !strings.HasSuffix(object.URL, "/problems.jsonl") {
			t.Errorf("left behind: %s, %v", object.URL, err)
		}
	}
}

func TestPlanInput_MaxLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.put("in.jsonl", append(input(3), fmt.Appendf(nil, "%s\n", strings.Repeat("x", 5000))...))
	call := w.planCall()
	call.MaxLine = 4096
	err := w.run(workflows.PlanInput, call, nil)
	if kind, _ := typeOf(err); kind != jobs.InvalidInput || !strings.Contains(err.Error(), "in.jsonl:4: invalid_request: the line is longer than the limit of 4096 bytes; try: a higher max_line") {
		t.Errorf("error is %v", err)
	}
}
