package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func TestView_FitsNarrowTerminals(t *testing.T) {
	t.Parallel()
	parts := []string{"14.0s", "74 req/s", "9,395 tok/s", "53 in flight", "GPU 8m23s", "0.4477 USD"}
	want := []string{"14.0s  74 req/s  9,395 tok/s", "53 in flight  GPU 8m23s  0.4477 USD"}
	if got := wrapParts(parts, 40); !slices.Equal(got, want) {
		t.Errorf("wrapped to %q, want %q", got, want)
	}
	if got := wrapParts([]string{"endpoint " + strings.Repeat("x", 50)}, 20); len(got) != 1 || got[0] != "endpoint xxxxxxxxxx…" {
		t.Errorf("clipped to %q", got)
	}
	if got := joinFitting([]string{"15 %", "921/6,000 lines", "1m24s left"}, 22); got != "15 %  921/6,000 lines" {
		t.Errorf("joined to %q", got)
	}
}

func TestSnapshot_AddsUpWhatItCost(t *testing.T) {
	t.Parallel()
	began := time.Unix(0, 0)
	usd := func(amount float64) jobs.Money { return jobs.Money{Amount: amount, Currency: "USD"} }
	open := Snapshot{At: began.Add(time.Hour)}
	open.Rental = jobs.Rental{GPUs: 2, Price: usd(6), Meter: jobs.Meter{Steps: []jobs.Step{{At: began, Replicas: 1}}}}
	if open.billed() != 2*time.Hour || open.cost() != usd(6) {
		t.Errorf("open rental: %s, %s", open.billed(), open.cost())
	}
	open.Progress.GPUSeconds, open.Progress.Cost = 3600, usd(3)
	if open.billed() != 3*time.Hour || open.cost() != usd(9) {
		t.Errorf("after another one: %s, %s", open.billed(), open.cost())
	}
	open.Progress.Cost = jobs.Money{}
	if !open.cost().IsZero() {
		t.Errorf("with one of unknown price: %s", open.cost())
	}
	over := Snapshot{At: began, Progress: workflows.Progress{GPUSeconds: 60, Cost: usd(1)}}
	if over.cost() != usd(1) {
		t.Errorf("nothing open: %s", over.cost())
	}
}

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"36h": now.Add(-36 * time.Hour), "7d": now.AddDate(0, 0, -7), "2026-11-21": time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
		"2026-11-21T02:00:00Z": time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC), "soon": {}, "-3h": {}, "-3d": {}, "": {},
	} {
		got, err := parseSince(text, now)
		if !got.Equal(want) || (err == nil) == want.IsZero() {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}

// TestSnapshot_CountsOpenShardsOnce: while no worker answers, what the workflow
// told last stands, and the heartbeats are not added to it again and again.
func TestSnapshot_CountsOpenShardsOnce(t *testing.T) {
	t.Parallel()
	s := Snapshot{told: workflows.Progress{Counts: jobs.Counts{Total: 100, Completed: 10}, Usage: jobs.Usage{InputTokens: 7}}}
	for range 3 {
		s = Snapshot{told: s.told}
		s.addShards([]workflows.ShardBeat{{Completed: 3, Failed: 1, InFlight: 2, Tokens: 5}, {Completed: 2}})
		if want := (jobs.Counts{Total: 100, Completed: 15, Failed: 1}); s.Counts != want || s.Tokens != 12 || s.InFlight != 2 {
			t.Fatalf("%+v, %d tokens, %d in flight", s.Counts, s.Tokens, s.InFlight)
		}
	}
}
