package batchfile

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// planSkipping makes a plan without what cannot be sent, and returns what was
// left out as "request shard:line code".
func planSkipping(t *testing.T, inputs []Input, o PlanOptions) (plan Plan, shards []Shard, left, repeated []string) {
	t.Helper()
	o.SkipInvalid = true
	o.Skipped = func(s Skipped) error {
		left = append(left, fmt.Sprintf("%d %d:%s:%d %s %s", s.Request, s.Shard, s.Problem.File, s.Problem.Line, s.CustomID, s.Problem.Code))
		return nil
	}
	o.Repeated = func(r Repeated) error {
		repeated = append(repeated, fmt.Sprintf("%d:%s:%d %s", r.File, r.Problem.File, r.Problem.Line, r.Problem.Message))
		return nil
	}
	plan, shards = makePlan(t, inputs, o)
	return plan, shards, left, repeated
}

func TestMakePlan_SkipsInvalidLines(t *testing.T) {
	t.Parallel()
	get := strings.Replace(withID("get"), "POST", "GET", 1)
	other := strings.Replace(withID("other"), "chat/completions", "embeddings", 1)
	model := strings.Replace(withID("model"), `"m"`, `"n"`, 1)
	long := withID(strings.Repeat("l", 200))
	a := get + "\n\n" + withID("1") + "\nnot JSON\n" + other + "\n" + withID("2")
	b := long + "\n" + withID("1") + "\n" + model + "\n" + withID("get") + "\n" + withID("2") + "\n"
	for _, packed := range []bool{false, true} {
		inputs := files(a, b)
		if packed {
			inputs = files(gzipped(t, a), zstandard(t, b))
		}
		plan, shards, left, repeated := planSkipping(t, inputs, PlanOptions{Rules: Rules{MaxLine: 150}, ShardRequests: 3, Stage: io.Discard})
		if want := []string{
			`0 0:a.jsonl:1 "get" invalid_request`,
			`2 0:a.jsonl:4  invalid_json_line`,
			`3 1:a.jsonl:5 "other" url_mismatch`,
			`5 2:b.jsonl:1  invalid_request`,
			`7 2:b.jsonl:3 "model" model_mismatch`,
		}; !slices.Equal(left, want) {
			t.Errorf("left out %q, want %q", left, want)
		}
		if want := []string{
			"1:b.jsonl:2 custom_id is used before, at a.jsonl:3",
			"1:b.jsonl:5 custom_id is used before, at a.jsonl:6",
		}; !slices.Equal(repeated, want) {
			t.Errorf("repeated %q, want %q", repeated, want)
		}
		if !plan.Runs() || plan.Requests != 10 || plan.Skipped != 7 || plan.ProblemCount != 7 || len(shards) != 4 {
			t.Errorf("plan %+v of %d shards", plan, len(shards))
		}
	}
}

func TestPlan_Runs(t *testing.T) {
	t.Parallel()
	good, bad := withID("1"), "x"
	for _, row := range []struct {
		name  string
		texts []string
		rules Rules
		want  bool
	}{
		{"good", []string{good}, Rules{}, true},
		{"bad", []string{good + "\n" + bad}, Rules{}, false},
		{"bad skipped", []string{good + "\n" + bad}, Rules{SkipInvalid: true}, true},
		{"repeated skipped", []string{good + "\n" + good}, Rules{SkipInvalid: true}, true},
		{"nothing left", []string{bad, bad}, Rules{SkipInvalid: true}, false},
		{"nothing there", []string{""}, Rules{SkipInvalid: true}, false},
		{"too many", []string{good + "\n" + bad}, Rules{SkipInvalid: true, MaxRequests: 1}, false},
	} {
		plan, _ := makePlan(t, files(row.texts...), PlanOptions{Rules: row.rules})
		if plan.Runs() != row.want || plan.Runs() != (plan.ProblemCount == 0) && !row.rules.SkipInvalid {
			t.Errorf("%s: runs %v with %v", row.name, plan.Runs(), plan.Problems)
		}
	}
}

func TestMakePlan_RepeatedBeyondMemory(t *testing.T) {
	t.Parallel()
	const lines = residentIDs + 1000
	same := inMemory("same", bytes.Repeat([]byte(withID("same")+"\n"), lines))
	next := int64(2)
	var shuffled int
	o := PlanOptions{Rules: Rules{SkipInvalid: true}, Repeated: func(r Repeated) error {
		if r.Problem.Line != next || r.Problem.Message != "custom_id is used before, at same:1" {
			shuffled++
		}
		next++
		return nil
	}}
	plan, _ := makePlan(t, []Input{same}, o)
	if shuffled > 0 || next != lines+1 || plan.Skipped != lines-1 || len(plan.Problems) != defaultMaxProblems || !plan.Runs() {
		t.Errorf("%d out of order, told up to line %d, %d skipped, %d problems in detail", shuffled, next, plan.Skipped, len(plan.Problems))
	}
}

func TestScanner_PassesOverLongLines(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("b", 300_000)
	text := "a\n" + huge + "\r\nc\nabcd\n\n" + huge
	for _, r := range []io.Reader{strings.NewReader(text), &chunkReader{strings.NewReader(text), 7}} {
		s := NewScanner(r, 3)
		s.PassLong()
		var got []string
		for s.Scan() {
			got = append(got, fmt.Sprintf("%s %v %d %d-%d", s.Bytes(), s.TooLong(), s.Line(), s.Offset(), s.End()))
		}
		want := []string{"a false 1 0-2", " true 2 2-300004", "c false 3 300004-300006", " true 4 300006-300011", " true 6 300012-600012"}
		if !slices.Equal(got, want) || s.Err() != nil || s.TooLong() || len(s.buf) > minBuffer {
			t.Errorf("got %q, %v, a buffer of %d", got, s.Err(), len(s.buf))
		}
	}
}

func TestAppendResult_WithoutCustomID(t *testing.T) {
	t.Parallel()
	line := AppendResult(nil, "job", Result{Index: 7, Error: &ResultError{Code: CodeInvalidJSONLine, Message: "a.jsonl:8: no"}})
	if !bytes.Contains(line, []byte(`"custom_id":null,"response":null,"error":{"code":"invalid_json_line"`)) {
		t.Errorf("%s", line)
	}
	if index, failed, _, err := ReadResult(line); index != 7 || !failed || err != nil {
		t.Error(index, failed, err)
	}
}
