package sweep

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// TestRun_Verdicts has one row for each line of the table on the package's page.
func TestRun_Verdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		left    time.Duration // to the deadline, at the time of the sweep
		age     time.Duration // of the endpoint
		state   State
		closed  time.Duration // before the sweep; 0: long ago, or not at all
		verdict Verdict
		reason  string
	}{
		{"alive", time.Hour, time.Hour, Alive, 0, Kept, "its job is open"},
		{"alive, just past", -5 * time.Minute, time.Hour, Alive, 0, Kept, "past its deadline by 5m, and its job is open"},
		{"alive, long past", -11 * time.Minute, time.Hour, Alive, 0, Deleted, "past its deadline by 11m"},
		{"unknown", 90 * time.Minute, time.Hour, Unknown, 0, Kept, "within its deadline, 1h30m left"},
		{"unknown, just past", -time.Second, time.Hour, Unknown, 0, Deleted, "past its deadline by 1s"},
		{"gone", time.Hour, time.Hour, Gone, 0, Deleted, "its job and its Endpoint workflow are gone"},
		{"gone, just created", time.Hour, 9 * time.Minute, Gone, 0, Kept, "within grace: created, or its job closed, 9m ago"},
		{"gone, just closed", time.Hour, time.Hour, Gone, 3 * time.Minute, Kept, "3m ago"},
		{"gone, closed before the grace", time.Hour, time.Hour, Gone, 11 * time.Minute, Deleted, "gone"},
		{"gone, just created, past", -time.Second, time.Minute, Gone, 0, Deleted, "past its deadline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				id := w.rentFor("ours", "job-1", c.age+c.left)
				time.Sleep(c.age)
				w.lives["job-1"] = Life{State: c.state}
				if c.closed > 0 {
					w.lives["job-1"] = Life{State: c.state, Since: time.Now().Add(-c.closed)}
				}
				r := w.sweep(nil)
				w.check(r, id, c.verdict, c.reason)
				if err := r.Err(); err != nil {
					t.Error(err)
				}
				if c.verdict == Deleted {
					w.running()
				} else {
					w.running(id)
				}
			})
		})
	}
}

// TestRun_LeavesOthersAlone: whatever is not this installation's, however long
// past its deadline, and what was stopped on purpose.
func TestRun_LeavesOthersAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		foreign := []string{
			w.rent("somebody-elses"),
			w.rent("nightshift"),
			w.rent("nightshift-ours-job"),           // no deadline
			w.rent("nightshift-ours--zzz"),          // no job
			w.rent("xnightshift-ours-job-1-1"),      // the prefix is not at the beginning
			w.rentFor("theirs", "job-1", time.Hour), // another installation
			w.rentFor("ours2", "job-1", time.Hour),
		}
		stopped := w.rentFor("ours", "job-2", time.Hour)
		if err := w.Stop(w.Context(), stopped); err != nil {
			w.Fatal(err)
		}
		orphan := w.rentFor("ours", "job-3", time.Hour)
		time.Sleep(24 * time.Hour)
		r := w.sweep(nil)
		for _, id := range foreign {
			w.check(r, id, Kept, "")
		}
		w.check(r, foreign[0], Kept, "not nightshift's")
		w.check(r, foreign[5], Kept, "of another installation, theirs")
		w.check(r, stopped, Kept, "holds no GPU")
		w.check(r, orphan, Deleted, "past its deadline by 23h")
		w.running(foreign...)
		if len(w.asked) != 1 || w.asked[0] != "job-3" {
			w.Errorf("asked about jobs %v, want only job-3", w.asked)
		}
	})
}

// TestRun_InUse: what an earlier job has left is another's now, whatever it is
// called.
func TestRun_InUse(t *testing.T) {
	inWorld(t, func(w *world) {
		used, orphan := w.rentFor("ours", "job-1", time.Hour), w.rentFor("ours", "job-2", time.Hour)
		unclear := w.rentFor("ours", "job-3", time.Hour)
		time.Sleep(2 * time.Hour)
		r := w.sweep(func(o *Options) {
			o.InUse = func(_ context.Context, provider, id string) (bool, error) {
				if id == unclear {
					return false, errors.New("no answer")
				}
				return provider == "nebius" && id == used, nil
			}
		})
		w.check(r, used, Kept, "another job names it")
		w.check(r, unclear, Deleted, "past its deadline")
		w.check(r, orphan, Deleted, "past its deadline")
		w.running(used)
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), "no answer") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestRun_AnyInstallation(t *testing.T) {
	inWorld(t, func(w *world) {
		w.rentFor("theirs", "job-1", time.Hour)
		foreign := w.rent("somebody-elses")
		time.Sleep(2 * time.Hour)
		w.sweep(func(o *Options) { o.Installation, o.Any = "", true })
		w.running(foreign)
	})
}

// TestRun_NoInstallation: an empty name is nobody's.
func TestRun_NoInstallation(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.rentFor("theirs", "job-1", time.Hour)
		time.Sleep(2 * time.Hour)
		w.check(w.sweep(func(o *Options) { o.Installation = "" }), id, Kept, "of another installation")
		w.running(id)
	})
}

func TestRun_DryRunOnlyJudges(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.rentFor("ours", "job-1", time.Hour)
		time.Sleep(2 * time.Hour)
		r := w.sweep(func(o *Options) { o.DryRun, o.Life = true, nil })
		w.check(r, id, Condemned, "past its deadline by 1h0m")
		w.running(id)
		if calls := w.cloud.Ledger().Calls[sim.OpDelete]; calls != 0 {
			t.Errorf("%d deletes", calls)
		}
	})
}

func TestRun_DeleteFailsFiveTimes(t *testing.T) {
	inWorld(t, func(w *world) {
		one, two := w.rentFor("ours", "job-1", time.Hour), w.rentFor("ours", "job-2", time.Hour)
		time.Sleep(2 * time.Hour)
		w.cloud.Inject(sim.Fault{Op: sim.OpDelete, Kind: sim.Status, Status: 500, Count: 5})
		r := w.sweep(nil)
		w.check(r, one, Deleted, "")
		w.check(r, two, Deleted, "")
		w.running()
	})
}

// TestRun_DeleteNeverWorks ends in time and says so, and the next sweep tries
// again.
func TestRun_DeleteNeverWorks(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.rentFor("ours", "job-1", time.Hour)
		time.Sleep(2 * time.Hour)
		w.cloud.Inject(sim.Fault{Op: sim.OpDelete, Kind: sim.Status, Status: 500})
		begun := time.Now()
		r := w.sweep(nil)
		if took := time.Since(begun); took > DefaultWait+time.Second {
			t.Errorf("took %s", took)
		}
		w.check(r, id, Unconfirmed, "past its deadline")
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), id) || !strings.Contains(err.Error(), "HTTP 500") {
			t.Errorf("error %v", err)
		}
		w.cloud.ClearFaults()
		w.check(w.sweep(nil), id, Deleted, "")
		w.running()
	})
}

// TestRun_PatienceIsHeeded: a provider that asks to be left alone is.
func TestRun_PatienceIsHeeded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.rentFor("ours", "job-1", time.Hour)
		time.Sleep(2 * time.Hour)
		w.cloud.Inject(sim.Fault{Op: sim.OpDelete, Kind: sim.RetryAfter, RetryAfter: 30 * time.Second, Count: 2})
		before := w.cloud.Ledger().Calls[sim.OpDelete]
		w.sweep(nil)
		w.running()
		if calls := w.cloud.Ledger().Calls[sim.OpDelete] - before; calls > 5 {
			t.Errorf("%d deletes in spite of Retry-After", calls)
		}
	})
}

// TestRun_ListingFails: the other account is swept all the same.
func TestRun_ListingFails(t *testing.T) {
	inWorld(t, func(w *world) {
		broken, err := openClosed(w.T)
		if err != nil {
			t.Fatal(err)
		}
		id := w.rentFor("ours", "job-1", time.Hour)
		time.Sleep(2 * time.Hour)
		r := Run(w.Context(), []Account{{"broken", broken}, {"nebius", w.Provider}}, Options{Installation: "ours"})
		w.check(r, id, Deleted, "")
		w.running()
		if err := r.Err(); err == nil || !strings.Contains(err.Error(), "list endpoints") {
			t.Errorf("error %v", err)
		}
	})
}

// TestRun_JobCannotBeAsked counts as unknown, is told once a job, and does not
// keep the sweep from what is past its deadline.
func TestRun_JobCannotBeAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		one, again := w.rentFor("ours", "job-1", 3*time.Hour), w.rentFor("ours", "job-1", 4*time.Hour)
		late := w.rentFor("ours", "job-2", time.Hour)
		time.Sleep(2 * time.Hour)
		r := w.sweep(func(o *Options) {
			o.Life = func(context.Context, string) (Life, error) { return Life{}, errors.New("server busy") }
		})
		w.check(r, one, Kept, "within its deadline")
		w.check(r, again, Kept, "within its deadline")
		w.check(r, late, Deleted, "past its deadline")
		w.running(one, again)
		if len(r.Errs) != 2 {
			t.Errorf("errors %v, want one for each job", r.Errs)
		}
	})
}

// with is a provider with other capabilities.
type with struct {
	provider.Provider
	can provider.Capabilities
}

func (p with) Capabilities() provider.Capabilities { return p.can }

func TestRun_SkipsWhatCannotBeJudged(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.rentFor("ours", "job-1", time.Hour)
		time.Sleep(2 * time.Hour)
		r := Run(w.Context(), []Account{
			{"static", with{w.Provider, provider.Capabilities{Exists: true, CanFind: true}}},
			{"lyceum", with{w.Provider, provider.Capabilities{}}},
		}, Options{Installation: "ours"})
		if len(r.Findings) != 0 || len(r.Skips) != 2 || r.Skips[0].Provider != "static" || !strings.Contains(r.Skips[1].Reason, "does not carry the names") {
			t.Errorf("report %+v", r)
		}
		w.running(id)
	})
}

func TestDelete_Absent(t *testing.T) {
	inWorld(t, func(w *world) {
		if unconfirmed := Delete(w.Context(), w.Provider, []string{"endpoint-nobody"}, time.Minute); len(unconfirmed) > 0 {
			t.Errorf("unconfirmed: %v", unconfirmed)
		}
	})
}

// TestDelete_StoppedIsOff: a provider that stops, and never forgets, has given
// its GPUs back.
func TestDelete_StoppedIsOff(t *testing.T) {
	inWorld(t, func(w *world) {
		id := w.rentFor("ours", "job-1", time.Hour)
		if unconfirmed := Delete(w.Context(), onlyStops{w.Provider}, []string{id}, time.Minute); len(unconfirmed) > 0 {
			t.Errorf("unconfirmed: %v", unconfirmed)
		}
		w.running()
	})
}

type onlyStops struct{ provider.Provider }

func (p onlyStops) Delete(ctx context.Context, id string) error { return p.Stop(ctx, id) }
