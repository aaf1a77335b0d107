package activities

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func (w *world) claimCall(job string) workflows.ClaimCall {
	return workflows.ClaimCall{Job: job, Run: "run-of-" + job, Output: w.base + "/out/"}
}

// TestClaimOutput_OneJobAtATime has the job "first" claim the output, and asks
// for it once more after each kind of end.
func TestClaimOutput_OneJobAtATime(t *testing.T) {
	t.Parallel()
	answered := func(w *world) { w.put("out/.nightshift/first/parts/00000000/1-a-00001.output.jsonl", []byte("{}\n")) }
	results := func(w *world) {
		answered(w)
		w.put("out/output.jsonl", []byte("{}\n"))
		w.put("out/manifest.json", []byte(`{"job":"first"}`))
	}
	unsent := func(w *world) {
		w.put("out/errors.jsonl", []byte("{}\n{}\n"))
		w.put("out/manifest.json", []byte(`{"job":"first","requests":2,"counts":{"total":2,"never_ran":2}}`))
	}
	ended := JobRecord{Known: true}
	for _, c := range []struct {
		name   string
		first  JobRecord
		left   func(*world)
		change func(w *world, call *workflows.ClaimCall) // nil: as the second job asks
		want   string                                    // part of the refusal; empty: it gets the output
	}{
		{"running", JobRecord{Known: true, Open: true}, nil, nil, "job first is writing to"},
		{"running, replace", JobRecord{Known: true, Open: true}, results, func(_ *world, call *workflows.ClaimCall) { call.Replace = true }, "job first is writing to"},
		{"ended without a trace", ended, nil, nil, ""},
		{"ended before anything was sent", ended, unsent, nil, ""},
		{"ended with answers", ended, answered, nil, "nightshift retry first"},
		{"ended with results", ended, results, nil, "has the results of job first"},
		{"ended with results, replace", ended, results, func(_ *world, call *workflows.ClaimCall) { call.Replace = true }, ""},
		{"ended with results, resumed by id", ended, results, func(w *world, call *workflows.ClaimCall) {
			w.put("out/.nightshift/first/plan.json", []byte("{}"))
			w.jobs["first"] = JobRecord{Known: true, Output: call.Output}
			call.ResumeFrom = jobs.URLs{"first"}
		}, ""},
		{"ended with results, resumed by output", ended, results, func(w *world, call *workflows.ClaimCall) {
			w.put("out/.nightshift/first/plan.json", []byte("{}"))
			call.ResumeFrom = jobs.URLs{strings.TrimSuffix(call.Output, "/")}
		}, ""},
		{"ended with results, resumed from another", ended, results, func(w *world, call *workflows.ClaimCall) {
			w.put("other/.nightshift/other/plan.json", []byte("{}"))
			w.jobs["other"] = JobRecord{Known: true, Output: w.base + "/other"}
			call.ResumeFrom = jobs.URLs{"other"}
		}, "has the results of job first"},
		{"unknown", JobRecord{}, nil, nil, "not known to this Temporal server"},
		{"unknown, replace", JobRecord{}, nil, func(_ *world, call *workflows.ClaimCall) { call.Replace = true }, ""},
		{"unknown with results", JobRecord{}, results, nil, "has the results of job first"},
		{"itself", JobRecord{Known: true, Open: true}, results, func(_ *world, call *workflows.ClaimCall) { call.Job, call.Run = "first", "run-of-first" }, ""},
		{"the same id again", JobRecord{Known: true, Open: true}, nil, func(_ *world, call *workflows.ClaimCall) { call.Job = "first" }, "another id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, answerOK)
			w.jobs = map[string]JobRecord{"first": c.first}
			if err := w.run(workflows.ClaimOutput, w.claimCall("first"), nil); err != nil {
				t.Fatal(err)
			}
			if c.left != nil {
				c.left(w)
			}
			call := w.claimCall("second")
			if c.change != nil {
				c.change(w, &call)
			}
			var claimed workflows.Claimed
			err := w.run(workflows.ClaimOutput, call, &claimed)
			if c.want == "" {
				if err != nil || claimed.URL == "" || len(claimed.Earlier) != len(call.ResumeFrom) {
					t.Errorf("claimed %+v, %v", claimed, err)
				}
				return
			}
			if kind, retried := typeOf(err); kind != jobs.OutputTaken || retried || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v and does not say %q", err, c.want)
			}
		})
	}
}

func TestClaimOutput_ResultsOfNobodyAreKept(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{
		"output.jsonl": true, "errors.jsonl": true, "output-00001.jsonl.gz": true, "manifest.json": true,
		"outputs.jsonl": false, "output/output.jsonl": false, "notes.txt": false,
	} {
		w := newWorld(t, answerOK)
		w.put("out/"+name, []byte(`{"job":"somebody"}`))
		err := w.run(workflows.ClaimOutput, w.claimCall("job"), nil)
		if kind, _ := typeOf(err); (kind == jobs.OutputTaken) != refused || (err == nil) == refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestClaimOutput_Race has many jobs claim one output at the same moment.
func TestClaimOutput_Race(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.outputs.Lookup = func(context.Context, string) (JobRecord, error) { return JobRecord{Known: true, Open: true}, nil }
	start := make(chan struct{})
	won := make(chan string, 16)
	var wait sync.WaitGroup
	for i := range cap(won) {
		call := w.claimCall(string(rune('a' + i)))
		wait.Go(func() {
			<-start
			claimed, err := w.outputs.ClaimOutput(t.Context(), call)
			if kind, _ := typeOf(err); err == nil {
				won <- claimed.URL
			} else if kind != jobs.OutputTaken {
				t.Error(err)
			}
		})
	}
	close(start)
	wait.Wait()
	if len(won) != 1 {
		t.Errorf("%d jobs have the output", len(won))
	}
}

// TestClaimOutput_LostByAReset resets a job that has ended, and whose output
// has gone to another since.
func TestClaimOutput_LostByAReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(1))
	w.part("1-aaaa-00001", `{"of":"job"}`, 0)
	w.jobs = map[string]JobRecord{"job": {Known: true}}
	var claimed workflows.Claimed
	if err := w.run(workflows.ClaimOutput, w.claimCall("job"), &claimed); err != nil {
		t.Fatal(err)
	}
	other := w.claimCall("other")
	other.Replace = true
	if err := w.run(workflows.ClaimOutput, other, nil); err != nil {
		t.Fatal(err)
	}
	w.put("out/output.jsonl", []byte("of other\n"))
	if kind, _ := typeOf(w.run(workflows.ClaimOutput, w.claimCall("job"), nil)); kind != jobs.OutputTaken {
		t.Errorf("it claims the output again: %s", kind)
	}
	err := w.run(workflows.CollectResults, workflows.CollectCall{Job: "job", PlanURL: plan.URL, Output: w.base + "/out/", Claim: claimed.URL}, nil)
	if kind, retried := typeOf(err); kind != jobs.OutputTaken || retried || string(w.read("out/output.jsonl")) != "of other\n" {
		t.Errorf("collected with %v; output.jsonl holds %q", err, w.read("out/output.jsonl"))
	}
}

func TestClaimOutput_ResumeFrom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		jobs map[string]JobRecord
		from string
		want string
	}{
		{"unknown", nil, "earlier", "not known to this Temporal server; write its output instead"},
		{"running", map[string]JobRecord{"earlier": {Known: true, Open: true}}, "earlier", "still running"},
		{"no plan", map[string]JobRecord{"earlier": {Known: true, Output: "OUT"}}, "earlier", "nothing to resume from"},
		{"nothing below", nil, "OUT", "nothing to resume from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, answerOK)
			w.jobs = c.jobs
			if record, ok := w.jobs["earlier"]; ok {
				record.Output = w.base + "/earlier/"
				w.jobs["earlier"] = record
			}
			call := w.claimCall("job")
			call.ResumeFrom = jobs.URLs{strings.ReplaceAll(c.from, "OUT", w.base+"/earlier/")}
			err := w.run(workflows.ClaimOutput, call, nil)
			if kind, retried := typeOf(err); kind != jobs.InvalidInput || retried || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v and does not say %q", err, c.want)
			}
			if left := w.read("out/.nightshift/_claims/00000001.json"); left != nil {
				t.Errorf("the output is claimed all the same: %s", left)
			}
		})
	}
}

// TestClaimOutput_FindsWhatCannotBeWritten looks for it before anything else.
func TestClaimOutput_FindsWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(w *world, call *workflows.ClaimCall)
		kind   string
		want   string
	}{
		{"no temporary folder", func(w *world, _ *workflows.ClaimCall) { w.outputs.TempDir = "/no/such/folder" }, jobs.DiskFull, "--temp-dir"},
		{"a file in the place of the output", func(w *world, call *workflows.ClaimCall) {
			w.put("file", nil)
			call.Output = w.base + "/file/"
		}, jobs.InvalidInput, "a file stands where a folder is needed"},
		{"a folder without permission", func(w *world, call *workflows.ClaimCall) { call.Output = "file:///proc/nightshift/" }, "", "/proc/nightshift"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, answerOK)
			call := w.claimCall("job")
			c.change(w, &call)
			err := w.run(workflows.ClaimOutput, call, nil)
			kind, retried := typeOf(err)
			if err == nil || c.kind != "" && (kind != c.kind || retried) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %s: %v", kind, err)
			}
		})
	}
}

func TestProbe_LeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := probe(dir); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := os.Chmod(dir, 0o500); err == nil && os.Getuid() != 0 && probe(dir) == nil {
		t.Error("a folder without permission passes")
	}
}

func TestCollectResults_ReplacesFilesOfAnotherForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(3))
	w.part("1-aaaa-00001", "{}", 0, 1)
	w.put("out/output-00007.jsonl.zst", []byte("of an earlier job"))
	w.put("out/keep.jsonl", []byte("of somebody"))
	w.put("out/manifest.json", []byte(`{"job":"earlier","files":[{"url":"s3://moved/from/output-00007.jsonl.zst"},{"url":"s3://moved/from/keep.jsonl"}]}`))
	if _, err := w.collect(plan, batchfile.CodeBatchExpired); err != nil {
		t.Fatal(err)
	}
	if w.read("out/output-00007.jsonl.zst") != nil || w.read("out/keep.jsonl") == nil || bytes.Count(w.read("out/output.jsonl"), []byte("\n")) != 2 {
		t.Error("the earlier job's files, and only those, must be gone")
	}
	if !bytes.Contains(w.read("out/manifest.json"), []byte(`"conserved": true`)) {
		t.Errorf("manifest is %s", w.read("out/manifest.json"))
	}
}
