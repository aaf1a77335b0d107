package activities

import (
	"reflect"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// TestPlanInput_LeavesAnInputThatIsNothingNew: it is not even read, and planned
// again once it is another.
func TestPlanInput_LeavesAnInputThatIsNothingNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	first := w.plan(input(10))
	if first.Digest == "" || first.Unchanged {
		t.Fatalf("plan = %+v", first)
	}
	call := w.planCall()
	call.Job, call.Unless = "next", first.Digest
	var plan workflows.Plan
	if err := w.run(workflows.PlanInput, call, &plan); err != nil || !reflect.DeepEqual(plan, workflows.Plan{Digest: first.Digest, Unchanged: true}) {
		t.Errorf("the same input: %+v, %v", plan, err)
	}
	w.put("in.jsonl", input(11))
	plan, call.Job = workflows.Plan{}, "third"
	if err := w.run(workflows.PlanInput, call, &plan); err != nil || plan.Unchanged || plan.Requests != 11 || plan.Digest == first.Digest {
		t.Errorf("another input: %+v, %v", plan, err)
	}
}

// TestPlanInput_SomeInputsMissing is an error of its own: a night without any
// input is nothing to do, one without some of it is a broken one.
func TestPlanInput_SomeInputsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, answerOK)
	w.put("in.jsonl", input(10))
	call := w.planCall()
	call.Input = append(jobs.URLs{call.Input[0] + ".missing"}, call.Input...)
	err := w.run(workflows.PlanInput, call, nil)
	if kind, retried := typeOf(err); kind != jobs.NotFound || retried {
		t.Errorf("error is %v", err)
	}
}
