package activities

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// spoiled is 1,000 lines of which every hundredth from the fifth on cannot be
// sent, and every hundredth from the seventh on repeats the one before it.
func spoiled() []byte {
	lines := bytes.SplitAfter(input(1000), []byte("\n"))
	for i := range 1000 {
		switch i % 100 {
		case 5:
			lines[i] = [][]byte{
				[]byte("not JSON\n"), bytes.Replace(lines[i], []byte("POST"), []byte("GET"), 1),
				bytes.Replace(lines[i], []byte(`"m"`), []byte(`"n"`), 1), append(bytes.Repeat([]byte("x"), 3000), '\n'),
			}[i/100%4]
		case 7:
			lines[i] = append([]byte("\n"), lines[i-1]...)
		}
	}
	return bytes.Join(lines, nil)
}

func (w *world) planSkipping(t *testing.T, file []byte) workflows.Plan {
	t.Helper()
	w.put("in.jsonl", file)
	call := w.planCall()
	call.OnInvalid, call.MaxLine = jobs.SkipInvalid, 2000
	var plan workflows.Plan
	if err := w.run(workflows.PlanInput, call, &plan); err != nil {
		t.Fatal(err)
	}
	if plan.Requests != 1000 || plan.Invalid != 20 || plan.Shards < 2 {
		t.Fatalf("plan = %+v", plan)
	}
	return plan
}

func TestRunShard_InvalidLinesAreErrorLines(t *testing.T) {
	t.Parallel()
	gzipped, _ := packed(t, spoiled())
	for name, file := range map[string][]byte{"plain": spoiled(), "compressed": gzipped} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, answerOK)
			plan := w.planSkipping(t, file)
			if done := w.runShards(plan); done.Completed != 980 || done.Failed != 20 || w.calls.Load() != 980 {
				t.Errorf("done = %+v after %d requests", done, w.calls.Load())
			}
			collected, err := w.collect(plan, "")
			if want := (jobs.Counts{Total: 1000, Completed: 980, Failed: 20, Invalid: 20}); err != nil || collected.Counts != want {
				t.Errorf("counts = %+v, %v", collected.Counts, err)
			}
			w.checkInvalid(t, w.lines("out/errors.jsonl"))
		})
	}
}

// checkInvalid looks at the twenty error lines of spoiled.
func (w *world) checkInvalid(t *testing.T, lines []map[string]any) {
	t.Helper()
	var got []string
	for _, line := range lines {
		failure := line["error"].(map[string]any)
		message := strings.TrimPrefix(failure["message"].(string), w.base+"/")
		got = append(got, fmt.Sprintf("%v %v %.50s", line["custom_id"], failure["code"], message))
	}
	want := []string{
		"<nil> invalid_json_line in.jsonl:6: This line is not parseable as valid JS",
		"r-6 duplicate_custom_id in.jsonl:9: custom_id is used before, at " + w.base + "/in.jsonl:7",
		"r-105 invalid_request in.jsonl:107: method must be \"POST\"",
		"r-106 duplicate_custom_id in.jsonl:110:",
		"r-205 model_mismatch in.jsonl:208:",
		"r-206 duplicate_custom_id",
		"<nil> invalid_request in.jsonl:309: the line is longer than the limit of",
	}
	if len(got) != 20 {
		t.Fatalf("%d error lines: %q", len(got), got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i][:min(len(want[i]), 40)]) {
			t.Errorf("error line %d is %s, want %s", i, got[i], want[i])
		}
	}
}

// A job that is cancelled before anything was sent still says of each invalid
// line what is wrong with it.
func TestCollectResults_InvalidLinesOfACancelledJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.planSkipping(t, spoiled())
	collected, err := w.collect(plan, batchfile.CodeBatchCancelled)
	if want := (jobs.Counts{Total: 1000, Failed: 20, NeverRan: 980, Invalid: 20}); err != nil || collected.Counts != want {
		t.Errorf("counts = %+v, %v", collected.Counts, err)
	}
	var invalid []map[string]any
	for _, line := range w.lines("out/errors.jsonl") {
		if line["error"].(map[string]any)["code"] != batchfile.CodeBatchCancelled {
			invalid = append(invalid, line)
		}
	}
	w.checkInvalid(t, invalid)
	if !slices.Contains(strings.Split(string(w.read("out/.nightshift/job/problems.jsonl")), "\n"),
		fmt.Sprintf(`{"file":"%s/in.jsonl","line":107,"code":"invalid_request","message":"method must be \"POST\"","param":"method"}`, w.base)) {
		t.Error("problems.jsonl does not have the problems")
	}
}

// An attempt that died before there was a plan may have left error lines of
// another version of the input.
func TestPlanInput_ForgetsInvalidLinesOfAnAttemptWithoutAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	stale := batchfile.AppendResult(nil, "job", batchfile.Result{Index: 3, CustomID: []byte(`"r-3"`), Error: &batchfile.ResultError{Code: batchfile.CodeInvalidRequest}})
	w.put("out/.nightshift/job/parts/00000000/"+invalidPart+"00001"+errorsPart, stale)
	w.put("out/.nightshift/job/parts/00000000/"+repeatedPart+"00001"+errorsPart, stale)
	plan := w.plan(input(10))
	if done := w.runShards(plan); done.Completed != 10 {
		t.Errorf("done = %+v", done)
	}
}

func TestPlanInput_NothingLeftToSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.put("in.jsonl", []byte("x\ny\n"))
	call := w.planCall()
	call.OnInvalid = jobs.SkipInvalid
	err := w.run(workflows.PlanInput, call, nil)
	if kind, _ := typeOf(err); kind != jobs.InvalidInput || !strings.Contains(err.Error(), "nothing was rented") {
		t.Errorf("error is %v", err)
	}
	if w.read("out/.nightshift/job/parts/00000000/"+invalidPart+"00001"+errorsPart) != nil {
		t.Error("error lines are left of a job that did not run")
	}
}

// What was paid for is collected also when the input is no longer there to name
// the rest.
func TestCollectResults_InputChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"replaced": func(w *world) { w.put("in.jsonl", input(7)) },
		"deleted": func(w *world) {
			if err := w.store.Delete(w.Context(), w.base+"/in.jsonl"); err != nil {
				w.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, answerOK)
			plan := w.plan(input(6))
			w.part("1-aaaa-00001", `{"from":"first"}`, 4, 1)
			change(w)
			collected, err := w.collect(plan, batchfile.CodeBatchFailed)
			if want := (jobs.Counts{Total: 6, Completed: 2, NeverRan: 4}); err != nil || collected.Counts != want {
				t.Fatalf("counts = %+v, %v", collected.Counts, err)
			}
			for _, line := range w.lines("out/errors.jsonl") {
				failure := line["error"].(map[string]any)
				if line["custom_id"] != nil || failure["code"] != batchfile.CodeBatchFailed || !strings.Contains(failure["message"].(string), "in.jsonl has changed") {
					t.Errorf("error line %v", line)
				}
			}
		})
	}
}
