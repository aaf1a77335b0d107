package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sweep"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/workflows"
)

// Sweeping deletes endpoints that nobody will release any more.
type Sweeping struct {
	Client       client.Client
	Providers    Providers
	Installation string // only endpoints of this one are touched
	Metrics      *telemetry.Metrics
}

// SweepEndpoints sweeps every provider whose token is set, with Temporal as the
// judge of whether a job lives. Any number of attempts may overlap: deleting
// what is gone does nothing. It heartbeats so that a dead worker is noticed
// soon. What could not be judged or confirmed is in its result, not an error.
func (s *Sweeping) SweepEndpoints(ctx context.Context, call workflows.SweepCall) (workflows.SweepDone, error) {
	defer beating(ctx, func() any { return nil })()
	accounts, err := s.Providers.Accounts()
	report := sweep.Run(ctx, accounts, sweep.Options{
		Installation: s.Installation, Life: s.life, InUse: s.inUse, Grace: call.Grace.Std(),
	})
	if ctx.Err() != nil {
		return workflows.SweepDone{}, ctx.Err()
	}
	if err != nil {
		report.Errs = append(report.Errs, err)
	}
	CountSweep(s.Metrics, report)
	return summary(accounts, report), nil
}

// CountSweep counts what a sweep did with endpoints of ours.
func CountSweep(metrics *telemetry.Metrics, report sweep.Report) {
	found := map[[2]string]int{}
	for _, finding := range report.Findings {
		if !finding.Foreign {
			found[[2]string{finding.Provider, string(finding.Verdict)}]++
		}
	}
	metrics.Swept(found, len(report.Errs) == 0 && report.Count(sweep.Unconfirmed) == 0)
}

// Accounts opens every provider that rents and whose token is set, in the order
// of their names. It makes no call. The error joins those of providers whose settings
// are malformed; the others are returned all the same.
func (p Providers) Accounts() ([]sweep.Account, error) {
	var accounts []sweep.Account
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if p[name].Token == "" || !registry.Rents(name) {
			continue
		}
		opened, err := registry.Open(name, p[name])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		accounts = append(accounts, sweep.Account{Name: name, Provider: opened})
	}
	return accounts, errors.Join(errs...)
}

// life asks Temporal about a job's own workflow and that of its endpoint.
func (s *Sweeping) life(ctx context.Context, job string) (sweep.Life, error) {
	life := sweep.Life{State: sweep.Gone}
	for _, id := range []string{job, workflows.EndpointID(job)} {
		// An empty run id means the newest run: resets and continue-as-new are
		// followed.
		description, err := s.Client.DescribeWorkflowExecution(ctx, id, "")
		if _, never := errors.AsType[*serviceerror.NotFound](err); never {
			continue
		}
		if err != nil {
			return sweep.Life{}, fmt.Errorf("describe workflow %s: %w", id, err)
		}
		info := description.GetWorkflowExecutionInfo()
		if !closed(info.GetStatus()) {
			return sweep.Life{State: sweep.Alive}, nil
		}
		if at := info.GetCloseTime(); at != nil && at.AsTime().After(life.Since) {
			life.Since = at.AsTime()
		}
	}
	return life, nil
}

// inUse asks Temporal whether a job has the endpoint that it names by its id.
func (s *Sweeping) inUse(ctx context.Context, provider, id string) (bool, error) {
	workflow := workflows.NamedEndpointID(provider, id)
	description, err := s.Client.DescribeWorkflowExecution(ctx, workflow, "")
	if _, never := errors.AsType[*serviceerror.NotFound](err); never {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe workflow %s: %w", workflow, err)
	}
	return !closed(description.GetWorkflowExecutionInfo().GetStatus()), nil
}

// maxProblem bounds one text of a summary, in bytes.
const maxProblem = 300

// summary is a report as it goes into the history.
func summary(accounts []sweep.Account, r sweep.Report) workflows.SweepDone {
	done := workflows.SweepDone{
		NoProviders: len(accounts) == 0 && len(r.Errs) == 0,
		Deleted:     r.Count(sweep.Deleted), Unconfirmed: r.Count(sweep.Unconfirmed),
	}
	for _, account := range accounts {
		done.Providers = append(done.Providers, account.Name)
	}
	for _, finding := range r.Findings {
		if finding.Foreign {
			done.Foreign++
			continue
		}
		done.Ours++
		if finding.Verdict != sweep.Kept && len(done.Endpoints) < workflows.SweepListed {
			done.Endpoints = append(done.Endpoints, swept(finding))
		}
	}
	done.Kept = done.Ours - done.Deleted - done.Unconfirmed
	for _, skip := range r.Skips[:min(len(r.Skips), workflows.SweepListed)] {
		done.Skipped = append(done.Skipped, skip.Provider+": "+skip.Reason)
	}
	for _, err := range r.Errs[:min(len(r.Errs), workflows.SweepListed)] {
		done.Problems = append(done.Problems, provider.Clip(err.Error(), maxProblem))
	}
	return done
}

func swept(f sweep.Finding) workflows.SweptEndpoint {
	e := workflows.SweptEndpoint{
		Provider: f.Provider, ID: provider.Clip(f.State.ID, maxProblem), Name: provider.Clip(f.State.Name, maxProblem),
		Verdict: string(f.Verdict), Reason: f.Reason,
	}
	if f.Err != nil {
		e.Problem = provider.Clip(f.Err.Error(), maxProblem)
	}
	return e
}
