package system

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// request is one line of an input.
func request(id string, number int) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b","messages":[{"role":"user","content":"question %d"}],"max_tokens":8}}`+"\n", id, number)
}

// requests are lines r-FIRST to r-LAST.
func requests(first, last int) string {
	var text strings.Builder
	for i := first; i <= last; i++ {
		text.WriteString(request(fmt.Sprintf("r-%05d", i), i))
	}
	return text.String()
}

func (f *fixture) gzipped(text string) []byte {
	f.Helper()
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write([]byte(text)); err != nil {
		f.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		f.Fatal(err)
	}
	return packed.Bytes()
}

// TestJob_PatternCompressedAndInvalidLines runs what is left of an input of
// several objects, one of them compressed, and says of the rest what is wrong.
func TestJob_PatternCompressedAndInvalidLines(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	spec := f.spec(0)
	f.put(f.folder+"/in/1.jsonl", f.gzipped("\uFEFF"+strings.ReplaceAll(requests(0, 199), "\n", "\r\n\r\n")))
	f.put(f.folder+"/in/2.jsonl", []byte("not a request\n"+requests(200, 299)+requests(7, 8)))
	f.put(f.folder+"/in/notes.txt", []byte("not for this job"))
	spec.Input, spec.OnInvalid = jobs.URLs{f.folder + "/**/*.jsonl", f.folder + "/in/1.jsonl"}, jobs.SkipInvalid
	if err := f.Store.Delete(t.Context(), f.folder+"/in.jsonl"); err != nil {
		t.Fatal(err)
	}
	file := f.jobFile(spec)
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append(text, "on_invalid: skip\n"...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	checked, _, code := f.run("check", file)
	if code != 0 || !strings.Contains(checked, "303 requests") || !strings.Contains(checked, "3 lines would become error lines") {
		t.Errorf("check: exit code %d\n%s", code, checked)
	}
	report := f.completed(f.await(f.submit(spec)))
	if want := (jobs.Counts{Total: 303, Completed: 300, Failed: 3, Invalid: 3}); report.Counts != want {
		t.Errorf("counts = %+v, want %+v", report.Counts, want)
	}
	for i, line := range f.lines(spec.Output + "output.jsonl") {
		if line.CustomID != fmt.Sprintf("r-%05d", i) {
			t.Fatalf("line %d is of %s", i, line.CustomID)
		}
	}
	var invalid []string
	for _, line := range f.lines(spec.Output + "errors.jsonl") {
		invalid = append(invalid, line.CustomID+" "+line.kind())
	}
	if got := strings.Join(invalid, ", "); got != " invalid_json_line, r-00007 duplicate_custom_id, r-00008 duplicate_custom_id" {
		t.Errorf("error lines: %s", got)
	}
	if calls := f.Cloud.Ledger().Data.RepeatedBodies; calls != 0 {
		t.Errorf("%d requests were sent twice", calls)
	}
	f.endpoints(1)
	f.nothingRuns()
}

// TestJob_NoInput: a pattern that names nothing has an error type of its own,
// and nothing is rented.
func TestJob_NoInput(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	spec := f.spec(1)
	spec.Input = jobs.URLs{f.folder + "/day-*/"}
	stdout, _, code := f.run("run", f.jobFile(spec))
	if code != 2 || !strings.Contains(stdout, "day-*/ names no object") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	f.endpoints(0)
}

// TestJob_InputChangesMidway: the job ends at once, the endpoint is released,
// and what was answered is kept.
func TestJob_InputChangesMidway(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 400 * time.Millisecond, MaxStreams: 16}}})
	spec := f.spec(4000)
	ended := f.watch(f.submit(spec), halfway, func() { f.put(spec.Input[0], []byte(requests(1, 4000))) })
	if ended.report == nil || ended.report.Outcome != jobs.Failed || ended.err == nil || !strings.Contains(ended.err.Error(), jobs.InputChanged) {
		t.Fatalf("ended with %+v, %v", ended.report, ended.err)
	}
	if !strings.Contains(ended.report.Reason, "in.jsonl") || !strings.Contains(ended.report.Reason, "changed since it was pinned") {
		t.Errorf("the reason is %s", ended.report.Reason)
	}
	counts := ended.report.Counts
	if counts.Total != 4000 || counts.Completed < 1000 || counts.NeverRan == 0 || counts.Completed+counts.Failed+counts.NeverRan != 4000 {
		t.Errorf("counts = %+v", counts)
	}
	if answered := f.lines(spec.Output + "output.jsonl"); int64(len(answered)) != counts.Completed {
		t.Errorf("%d answers were collected of %d", len(answered), counts.Completed)
	}
	f.endpoints(1)
	f.nothingRuns()
}
