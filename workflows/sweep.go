package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// SweepCall is the input of Sweep and of SweepEndpoints; the result of both is
// a SweepDone.
type SweepCall struct {
	Grace jobs.Duration `json:"grace"` // endpoints and ends of jobs younger than this are left alone; 0 is sweep.DefaultGrace
}

// SweepDone is what one sweep saw and did. Its lists hold no more than
// [SweepListed] each; the counts are of all.
type SweepDone struct {
	Providers   []string        `json:"providers"`              // that were looked at
	Ours        int             `json:"ours"`                   // endpoints of this installation
	Foreign     int             `json:"foreign"`                // endpoints of others, never touched
	Kept        int             `json:"kept"`                   // of ours
	Deleted     int             `json:"deleted"`                // of ours, confirmed by the provider
	Unconfirmed int             `json:"unconfirmed"`            // of ours, not yet confirmed
	Endpoints   []SweptEndpoint `json:"endpoints,omitempty"`    // deleted or unconfirmed
	Skipped     []string        `json:"skipped,omitempty"`      // providers without anything to judge, and why
	Problems    []string        `json:"problems,omitempty"`     // what could not be judged
	NoProviders bool            `json:"no_providers,omitempty"` // no provider's token is set
}

// SweepListed bounds each list of a SweepDone, so that a history stays small
// whatever the account holds.
const SweepListed = 50

// SweptEndpoint is one that was deleted, or should have been.
type SweptEndpoint struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
	Name     string `json:"name"`
	Verdict  string `json:"verdict"` // sweep.Verdict
	Reason   string `json:"reason"`
	Problem  string `json:"problem,omitempty"` // why it is not confirmed
}

// Sweep goes through the accounts once and deletes the endpoints that nobody
// will release any more. It fails if one is not confirmed gone or an account
// could not be judged, so that both show in the Web UI; the next run, which the
// schedule starts whatever came of this one, tries again.
func Sweep(ctx workflow.Context, call SweepCall) (SweepDone, error) {
	workflow.SetCurrentDetails(ctx, "going through the providers' listings")
	done, err := sweepEndpoints(ctx, call)
	if err != nil {
		return done, err
	}
	workflow.SetCurrentDetails(ctx, done.details())
	switch {
	case done.Unconfirmed > 0:
		return done, temporal.NewNonRetryableApplicationError(
			fmt.Sprintf("not confirmed gone: %d of our endpoints; look at the provider's console", done.Unconfirmed), jobs.EndpointUnconfirmed, nil, done)
	case len(done.Problems) > 0:
		return done, temporal.NewNonRetryableApplicationError("not everything could be judged: "+done.Problems[0], jobs.Temporary, nil, done)
	}
	return done, nil
}

// sweepEndpoints may run twice; a sweep that lasts longer than its time is taken
// up by the next attempt, and what that leaves by the next run.
func sweepEndpoints(ctx workflow.Context, call SweepCall) (SweepDone, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           ControlQueue,
		StartToCloseTimeout: 5 * time.Minute,
		HeartbeatTimeout:    controlHeartbeat,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumAttempts: 3},
		Summary:             "delete endpoints that nobody will release any more",
	})
	var done SweepDone
	err := workflow.ExecuteActivity(ctx, SweepEndpoints, call).Get(ctx, &done)
	return done, err
}

// details is the sweep for the Web UI.
func (d SweepDone) details() string {
	var text strings.Builder
	text.WriteString(fmt.Sprintf("looked at %s; ours: %d, kept: %d, deleted: %d, unconfirmed: %d; of others: %d\n",
		strings.Join(d.Providers, ", "), d.Ours, d.Kept, d.Deleted, d.Unconfirmed, d.Foreign))
	if d.NoProviders {
		text.Reset()
		text.WriteString("no provider's token is set on the control worker: there is nothing to sweep\n")
	}
	if len(d.Endpoints) > 0 {
		text.WriteString("\n| endpoint | provider | what | because |\n|---|---|---|---|\n")
	}
	for _, e := range d.Endpoints {
		text.WriteString(fmt.Sprintf("| `%s` %s | %s | **%s** | %s |\n", e.ID, e.Name, e.Provider, e.Verdict, strings.TrimSuffix(e.Reason+"; "+e.Problem, "; ")))
	}
	for _, skipped := range d.Skipped {
		text.WriteString(fmt.Sprintf("\n- not judged: %s", skipped))
	}
	for _, problem := range d.Problems {
		text.WriteString(fmt.Sprintf("\n- problem: %s", problem))
	}
	return text.String()
}
