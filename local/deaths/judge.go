package deaths

import (
	"context"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// Result is what came of a case.
type Result struct {
	Case
	Ended, Want enumspb.WorkflowExecutionStatus // of the job

	Rented    int // endpoints
	Leaked    int // endpoints that hold a GPU, or may come to, at the end
	Doubled   int // endpoints that were rented while the job had another
	Early     int // endpoints that ran when the job said that it was over
	Assembled bool
	Lost      int // requests without a result line; of assembled results
	Twice     int // requests with more than one; likewise
	Errors    int // requests with an error line; likewise
	Resent    int64
	Allowed   int64 // most that may be resent; negative is any number

	Survived bool          // the job went on after the death
	Release  time.Duration // from the death to the stop that the provider accepted, of a job that did not
	Took     time.Duration
	Err      error // it could not be played to its end
}

// Broken returns the promises that were not kept, in words.
func (r Result) Broken() []string {
	var broken []string
	note := func(bad bool, format string, args ...any) {
		if bad {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	note(r.Err != nil, "%v", r.Err)
	note(r.Ended != r.Want, "the job ended %s, not %s", r.Ended, r.Want)
	note(r.Leaked > 0, "%d endpoints leaked", r.Leaked)
	note(r.Doubled > 0, "%d endpoints rented while the job had another", r.Doubled)
	note(r.Early > 0, "%d endpoints ran when the job said that it was over", r.Early)
	note(r.Lost > 0, "%d requests have no result line", r.Lost)
	note(r.Twice > 0, "%d requests have more than one result line", r.Twice)
	note(r.Errors > 0 && r.Want == completed, "%d requests ended in errors, though the job went on", r.Errors)
	note(r.Allowed >= 0 && r.Resent > r.Allowed, "%d requests were sent again, only %d were in flight or not flushed", r.Resent, r.Allowed)
	return broken
}

// judge counts what the world looks like when the case is over.
func (w *world) judge(ctx context.Context, died time.Time, unflushed int64) (Result, error) {
	ledger := w.cloud.Ledger()
	r := Result{
		Ended: w.status(ctx), Want: w.death.ends, Survived: !w.death.ended,
		Rented: len(ledger.Entries), Leaked: len(ledger.Running()), Doubled: overlaps(ledger),
		Release: released(ledger, died), Resent: resent(ledger), Allowed: unflushed,
	}
	if w.death.resends && w.death.back == nil {
		r.Allowed = -1 // a reset run's attempt goes on beside its successor until its next heartbeat
	}
	if r.Assembled = r.Ended != terminated && r.Ended != timedOut; !r.Assembled {
		return r, nil
	}
	seen := map[string]int{}
	for _, file := range []string{"output.jsonl", "errors.jsonl"} {
		err := w.countLines(ctx, outputURL+file, func(l line) {
			if seen[l.CustomID]++; l.failed() {
				r.Errors++
			}
		})
		if err != nil {
			return r, err
		}
	}
	for i := range w.lines {
		switch n := seen[fmt.Sprintf("r-%d", i)]; {
		case n == 0:
			r.Lost++
		case n > 1:
			r.Twice++
		}
	}
	if r.Ended != r.Want {
		return r, w.failure(ctx)
	}
	return r, nil
}

// overlaps counts endpoints that were created before the one before them was
// gone. The cloud belongs to one job.
func overlaps(l sim.Ledger) (n int) {
	entries := slices.Clone(l.Entries)
	slices.SortFunc(entries, func(a, b sim.Entry) int { return a.CreatedAt.Compare(b.CreatedAt) })
	var free time.Time // when the last GPU of those before was given back
	for _, e := range entries {
		if e.CreatedAt.Before(free) {
			n++
		}
		stopped := e.StoppedAt
		if stopped.IsZero() {
			stopped = l.Now
		}
		if stopped.After(free) {
			free = stopped
		}
	}
	return n
}

// released returns how long after the death the last endpoint was asked to
// stop, or 0 if that was before.
func released(l sim.Ledger, died time.Time) time.Duration {
	var last time.Time
	for _, e := range l.Entries {
		if e.StopRequestedAt.After(last) {
			last = e.StopRequestedAt
		}
	}
	return max(0, last.Sub(died))
}

// resent counts requests that were taken more than once. Each endpoint that
// serves is first asked one and the same question, which is not the job's.
func resent(l sim.Ledger) int64 {
	again := int64(-1)
	for _, e := range l.Entries {
		if e.Answered > 0 {
			again++
		}
	}
	return l.Data.RepeatedBodies - max(0, again)
}
