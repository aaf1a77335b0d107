package activities

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestPlanInput_CutsShards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	plan := w.plan(input(5000))
	if plan.Requests != 5000 || plan.Shards < 2 || plan.Bytes != int64(len(input(5000))) {
		t.Errorf("plan = %+v", plan)
	}
	next := int64(0)
	for index := range plan.Shards {
		shard, err := readShard(t.Context(), w.store, workspaceOfPlan(plan.URL), index)
		if err != nil {
			t.Fatal(err)
		}
		if shard.FirstRequest != next {
			t.Errorf("shard %d begins at request %d, want %d", index, shard.FirstRequest, next)
		}
		next += int64(shard.Requests)
	}
	if next != 5000 {
		t.Errorf("shards hold %d requests", next)
	}
}

func TestPlanInput_RefusesWithEveryProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.put("in.jsonl", bytes.Repeat([]byte("not JSON, top secret\n"), 40))
	err := w.run(workflows.PlanInput, w.planCall(), nil)
	if kind, retried := typeOf(err); kind != jobs.InvalidInput || retried {
		t.Fatalf("error is %v", err)
	}
	text := err.Error()
	for _, want := range []string{"40 problems", "in.jsonl:1: invalid_json_line", "in.jsonl:25: ", "and 15 more", "problems.jsonl"} {
		if !strings.Contains(text, want) {
			t.Errorf("error does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "in.jsonl:26: ") || strings.Contains(text, "secret") {
		t.Errorf("error says too much:\n%s", text)
	}
	if told := bytes.Count(w.read("out/.nightshift/job/problems.jsonl"), []byte("\n")); told != 40 {
		t.Errorf("problems.jsonl has %d lines", told)
	}
}

func TestPlanInput_NoSuchInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	err := w.run(workflows.PlanInput, w.planCall(), nil)
	if kind, retried := typeOf(err); kind != jobs.NoInput || retried {
		t.Errorf("error is %v", err)
	}
}
