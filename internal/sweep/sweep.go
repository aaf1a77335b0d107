package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// DefaultGrace is how long an endpoint and its job's end are left alone. It
// is longer than a workflow takes to note what it created, and to release it.
const DefaultGrace = 10 * time.Minute

// DefaultWait is how long a provider gets to confirm what was deleted.
const DefaultWait = 2 * time.Minute

// Account is one provider to sweep.
type Account struct {
	Name     string // as in job files: "nebius"
	Provider provider.Provider
}

// Options says what is ours, and how to judge it.
type Options struct {
	Installation string // the only one to touch
	Any          bool   // touch every installation's: wrong where an account is shared

	// Life says whether a job still lives. An error counts as [Unknown] and is
	// reported. Nil means that nobody can be asked.
	Life func(ctx context.Context, job string) (Life, error)

	// InUse says whether a job uses an endpoint that it names by its id, whatever
	// the endpoint is called: a job before may have left it, disabled. An error
	// counts as not in use, and is reported. Nil means that nobody can be asked.
	InUse func(ctx context.Context, provider, id string) (bool, error)

	DryRun bool          // judge, delete nothing
	Grace  time.Duration // 0 means DefaultGrace
	Wait   time.Duration // for one provider's deletions; 0 means DefaultWait
}

// Life is what is known about a job: its own workflow and its endpoint's.
type Life struct {
	State State
	Since time.Time // when the last of both closed, of one that is Gone; zero: long ago
}

// State says whether anybody will still release a job's endpoint.
type State string

// The states.
const (
	Unknown State = ""      // nobody could be asked
	Alive   State = "alive" // the job, or the workflow of its endpoint, is open
	Gone    State = "gone"  // both are closed, or were never known
)

// Verdict is what was decided about an endpoint, and what came of it.
type Verdict string

// The verdicts.
const (
	Kept        Verdict = "kept"
	Condemned   Verdict = "to delete"   // by a dry run
	Deleted     Verdict = "deleted"     // and the provider confirms it
	Unconfirmed Verdict = "unconfirmed" // deletion was tried; the provider does not confirm it yet
)

// Finding is one endpoint of a listing.
type Finding struct {
	Provider string
	State    provider.State // as listed before anything was done
	Name     provider.Name  // zero for an endpoint that is not nightshift's
	Foreign  bool           // not nightshift's, or of another installation
	Verdict  Verdict
	Reason   string // for the verdict
	Err      error  // why deletion is not confirmed; nil otherwise
}

// Skip is a provider that has nothing to judge.
type Skip struct{ Provider, Reason string }

// Report is what a sweep saw and did.
type Report struct {
	Findings []Finding // in the order of the accounts and their listings
	Skips    []Skip
	Errs     []error // what kept the sweep from judging: listings and jobs that could not be read
}

// Count returns how many findings have the verdict.
func (r Report) Count(verdict Verdict) int {
	n := 0
	for _, finding := range r.Findings {
		if finding.Verdict == verdict {
			n++
		}
	}
	return n
}

// Err is everything that a person should look at: what could not be judged, and
// what was not confirmed deleted. Nil if all is well.
func (r Report) Err() error {
	errs := slices.Clone(r.Errs)
	for _, f := range r.Findings {
		if f.Verdict == Unconfirmed {
			errs = append(errs, fmt.Errorf("endpoint %s of %s (%s) is not confirmed gone: %w", f.State.ID, f.Provider, f.State.Name, f.Err))
		}
	}
	return errors.Join(errs...)
}

// Run sweeps the accounts, all at once, and says what it found, decided and
// did. Trouble with one endpoint, job or account does not keep it from the
// others. It may run any number of times, also at the same time as another.
func Run(ctx context.Context, accounts []Account, o Options) Report {
	if o.Grace == 0 {
		o.Grace = DefaultGrace
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	reports := make([]Report, len(accounts))
	var sweeping sync.WaitGroup
	for i, account := range accounts {
		sweeping.Go(func() { reports[i] = account.sweep(ctx, o) })
	}
	sweeping.Wait()
	var all Report
	for _, r := range reports {
		all.Findings = append(all.Findings, r.Findings...)
		all.Skips = append(all.Skips, r.Skips...)
		all.Errs = append(all.Errs, r.Errs...)
	}
	return all
}

func (a Account) sweep(ctx context.Context, o Options) Report {
	switch can := a.Provider.Capabilities(); {
	case can.Exists:
		return Report{Skips: []Skip{{a.Name, "its endpoints are not rented by nightshift"}}}
	case !can.CanFind:
		return Report{Skips: []Skip{{a.Name, "its listing does not carry the names by which endpoints are judged: look at the provider's console"}}}
	}
	states, err := a.Provider.List(ctx)
	if err != nil {
		return Report{Errs: []error{err}}
	}
	var r Report
	judged := judge{provider: a.Name, options: o, lives: map[string]Life{}}
	for _, state := range states {
		finding, err := judged.finding(ctx, state)
		finding.Provider = a.Name
		r.Findings = append(r.Findings, finding)
		if err != nil {
			r.Errs = append(r.Errs, err)
		}
	}
	if !o.DryRun {
		a.carryOut(ctx, r.Findings, o.Wait)
	}
	return r
}

// carryOut deletes what is condemned.
func (a Account) carryOut(ctx context.Context, findings []Finding, wait time.Duration) {
	var ids []string
	for _, f := range findings {
		if f.Verdict == Condemned {
			ids = append(ids, f.State.ID)
		}
	}
	unconfirmed := Delete(ctx, a.Provider, ids, wait)
	for i, f := range findings {
		if f.Verdict != Condemned {
			continue
		}
		findings[i].Verdict = Deleted
		if err := unconfirmed[f.State.ID]; err != nil {
			findings[i].Verdict, findings[i].Err = Unconfirmed, err
		}
	}
}
