package workflows

import (
	"slices"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
)

func TestBatch_RefusedOutputTouchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.claim = func(call ClaimCall) (Claimed, error) {
		if call.Job != "job" || call.Output != "s3://b/out/" {
			t.Errorf("claimed with %+v", call)
		}
		return Claimed{}, temporal.NewNonRetryableApplicationError("job other writes there", jobs.OutputTaken, nil)
	}
	w.plan = func() (Plan, error) {
		t.Error("the input was planned")
		return Plan{}, nil
	}
	_, err := w.run(t)
	report := failedAs(t, err, jobs.OutputTaken)
	if report.Reason != "job other writes there" || len(w.asks)+len(w.missing) != 0 || w.reported != nil {
		t.Errorf("report %+v; asked %v, collected %v, reported %+v", report, w.asks, w.missing, w.reported)
	}
}

func TestBatch_SendsWhatEarlierJobsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		answered []ShardRange
		sent     []int
		rents    int
	}{
		{"nothing answered", nil, []int{0, 1, 2}, 1},
		{"the first", []ShardRange{{0, 1}}, []int{1, 2}, 1},
		{"the middle one", []ShardRange{{1, 2}}, []int{0, 2}, 1},
		{"the last", []ShardRange{{2, 3}}, []int{0, 1}, 1},
		{"two apart", []ShardRange{{0, 1}, {2, 3}}, []int{1}, 1},
		{"all", []ShardRange{{0, 3}}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.claim = func(ClaimCall) (Claimed, error) {
				return Claimed{URL: "s3://b/claim", Earlier: []string{"s3://b/earlier/plan.json"}}, nil
			}
			w.reused = Reused{Requests: 120, Answered: c.answered, Counts: jobs.Counts{Completed: 100}}
			report, err := w.run(t)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(w.shards)
			if !slices.Equal(w.shards, c.sent) || len(w.asks) != c.rents || len(w.missing) != 1 {
				t.Errorf("sent %v, asked %v, collected %v", w.shards, w.asks, w.missing)
			}
			if report.Outcome != jobs.Completed || report.Counts.Reused != 120 || report.Counts.Completed != 297 {
				t.Errorf("report = %+v", report)
			}
		})
	}
}
