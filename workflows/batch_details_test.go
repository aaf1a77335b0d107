package workflows

import (
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
)

func TestBatch_ShowsItselfInTheWebUI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.run(t); err != nil {
		t.Fatal(err)
	}
	shown := currentDetails(t, w.env)
	for _, want := range []string{
		"## completed\n\n`████████████████████` **100 %**\n\n| lines | failed | shards | tokens |\n|---:|---:|---:|---:|\n| 300 of 300 | 3 | 3 of 3 | ",
		"| phase | from 20", ", UTC | took |\n|---|---:|---:|\n| planning | ",
		"**Results** `", "/report.html`, or `nightshift report ",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the Web UI is not shown %q but\n%s", want, shown)
		}
	}
}

func TestPlan_NamesShards(t *testing.T) {
	t.Parallel()
	plan := Plan{Shards: 212, Ends: []int64{1000, 16000, 17000}}
	for shard, want := range map[int]string{0: "shard 1/212, lines 1-1,000", 2: "shard 3/212, lines 16,001-17,000", 3: "shard 4/212"} {
		if got := plan.nameOf(shard); got != want {
			t.Errorf("shard %d is called %q, want %q", shard, got, want)
		}
	}
}

func TestGauge_FillsAsTheJobDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		counts jobs.Counts
		want   string
	}{
		{jobs.Counts{}, ""},
		{jobs.Counts{Total: 1000, Completed: 499, Failed: 1}, "`██████████░░░░░░░░░░` **50 %**"},
		{jobs.Counts{Total: 1000, Completed: 999}, "`███████████████████░` **99 %**"},
	} {
		if got := gauge(c.counts); got != c.want {
			t.Errorf("%+v is %q, want %q", c.counts, got, c.want)
		}
	}
}
