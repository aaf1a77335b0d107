package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// timeline is the job's life from left to right: its phases, what its endpoints
// did, and how many replicas were billed.
type timeline struct {
	Phases    []bar
	Endpoints []bar
	Replicas  plot
	Ticks     []tick
}

// leastWidth keeps what was short visible, as a share of the whole.
const leastWidth = 0.003

// newTimeline returns nil for a job that took no time.
func newTimeline(r jobs.Report) *timeline {
	whole := span{r.Started, r.Finished}
	if !r.Finished.After(r.Started) {
		return nil
	}
	t := &timeline{Ticks: timeTicks(r.Started, r.Started, r.Finished)}
	for _, phase := range r.Phases {
		t.Phases = append(t.Phases, whole.bar(phase.Start, phase.End, "p-"+string(phase.Phase),
			fmt.Sprintf("%s, %s", phase.Phase, took(phase.End.Sub(phase.Start)))))
	}
	for _, rental := range r.Rentals {
		t.Endpoints = append(t.Endpoints, whole.rental(rental)...)
	}
	t.Replicas = whole.replicas(r.Rentals)
	return t
}

// span is a stretch of time that fills the canvas.
type span struct{ from, to time.Time }

// share is where in the span a time lies, from 0 to 1.
func (s span) share(at time.Time) float64 {
	return min(max(float64(at.Sub(s.from))/float64(s.to.Sub(s.from)), 0), 1)
}

func (s span) bar(from, to time.Time, class, title string) bar {
	left, right := s.share(from), s.share(to)
	left = min(left, 1-leastWidth)
	return newBar(left, max(right, left+leastWidth), 1, class, title)
}

// rental draws an endpoint's life: starting, serving, and going off. One that
// was not confirmed off lasts to the end.
func (s span) rental(r jobs.Rental) []bar {
	end := orElse(r.Confirmed, s.to)
	if r.Returned() {
		end = r.End()
	}
	stop := orElse(r.StopAsked, end)
	ready := orElse(r.Ready, stop)
	name := cmp.Or(r.ID, r.Shape, r.Provider)
	bars := []bar{s.bar(r.Requested, ready, "e-starting", fmt.Sprintf("%s starting, %s", name, took(ready.Sub(r.Requested))))}
	if !r.Ready.IsZero() {
		bars = append(bars, s.bar(ready, stop, "e-serving", fmt.Sprintf("%s serving, %s", name, took(stop.Sub(ready)))))
	}
	if end.After(stop) {
		class, words := "e-stopping", "stop accepted, confirmed off after "+took(end.Sub(stop))
		if r.Confirmed.IsZero() {
			class, words = "e-unconfirmed", "NOT confirmed off"
		}
		bars = append(bars, s.bar(stop, end, class, name+" "+words))
	}
	return bars
}

// replicas draws how many replicas of all endpoints were billed when.
func (s span) replicas(rentals []jobs.Rental) plot {
	changes := billedChanges(rentals)
	most, now := 0, 0
	for _, change := range changes {
		now += change.by
		most = max(most, now)
	}
	p := plot{Class: "c-replicas", Heights: []tick{{At: "0", Text: fmt.Sprint(most)}, {At: "100", Text: "0"}}}
	if most == 0 {
		return p
	}
	height := func(replicas int) string { return coordinate((1 - float64(replicas)/float64(most)) * canvasHeight) }
	p.Line, now = "M0 "+height(0), 0
	for i, change := range changes {
		now += change.by
		from, to := s.share(change.at), 1.0
		if i+1 < len(changes) {
			to = s.share(changes[i+1].at)
		}
		p.Line += "H" + coordinate(from*canvasWidth) + "V" + height(now)
		if now > 0 {
			p.Hits = append(p.Hits, newBar(from, to, 1, "", fmt.Sprintf("replicas billed from %s: %d", clock(change.at), now)))
		}
	}
	p.Line += fmt.Sprintf("H%d", canvasWidth)
	p.Area = p.Line + fmt.Sprintf("V%dH0Z", canvasHeight)
	return p
}

type change struct {
	at time.Time
	by int
}

// billedChanges are the changes in the number of billed replicas over all
// endpoints. A long life's oldest ones have been added up in its meter, and are
// not shown.
func billedChanges(rentals []jobs.Rental) []change {
	var changes []change
	for _, rental := range rentals {
		end := rental.End()
		before := 0
		for _, step := range rental.Meter.Steps {
			if step.At.Before(end) {
				changes = append(changes, change{step.At, step.Replicas - before})
				before = step.Replicas
			}
		}
		changes = append(changes, change{end, -before})
	}
	slices.SortStableFunc(changes, func(a, b change) int { return a.at.Compare(b.at) })
	return changes
}

func orElse(at, other time.Time) time.Time {
	if at.IsZero() {
		return other
	}
	return at
}
