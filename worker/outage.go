package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/nightshift-run/nightshift/internal/sweep"
)

// How often an outageGuard looks for Temporal, how long it waits for an answer,
// and how often it sweeps while there is none.
const (
	outagePoll  = 10 * time.Second
	outageWait  = 5 * time.Second
	outageSweep = time.Minute
)

// outageGuard releases endpoints past their deadline while Temporal is gone:
// their own workflows cannot, and neither can the scheduled sweep. Without
// Temporal nobody can say which jobs live, so the deadlines in the endpoints'
// names are all that counts; every job within its deadline is left alone.
type outageGuard struct {
	reach  func(context.Context) error        // nil when Temporal answers
	sweep  func(context.Context) sweep.Report // of what is past its deadline
	after  time.Duration                      // how long Temporal must be gone
	logger *slog.Logger

	since   time.Time // when Temporal last answered
	swept   time.Time // when the last sweep of this outage began; zero: none yet
	lastErr error
}

// run guards until ctx ends.
func (g *outageGuard) run(ctx context.Context) {
	g.since = time.Now()
	ticker := time.NewTicker(outagePoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			g.look(ctx)
		}
	}
}

// look asks for Temporal once, and sweeps if that is due.
func (g *outageGuard) look(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, outageWait)
	defer cancel()
	if g.lastErr = g.reach(asking); g.lastErr == nil {
		g.backAgain()
		return
	}
	now := time.Now()
	if ctx.Err() != nil || now.Sub(g.since) < g.after || now.Sub(g.swept) < outageSweep {
		return
	}
	if g.swept.IsZero() {
		g.logger.Warn("Temporal does not answer: this worker itself now releases endpoints past their deadline, each minute until it is back",
			"for", now.Sub(g.since).Truncate(time.Second), "error", g.lastErr)
	}
	g.swept = now
	g.tell(g.sweep(ctx))
}

func (g *outageGuard) backAgain() {
	now := time.Now()
	if !g.swept.IsZero() {
		g.logger.Info("Temporal answers again: endpoints are left to their workflows", "after", now.Sub(g.since).Truncate(time.Second))
	}
	g.since, g.swept = now, time.Time{}
}

// tell logs what a sweep did. What was kept is no news.
func (g *outageGuard) tell(report sweep.Report) {
	for _, f := range report.Findings {
		switch f.Verdict {
		case sweep.Deleted:
			g.logger.Warn("released an endpoint past its deadline", "provider", f.Provider, "endpoint", f.State.ID, "name", f.State.Name, "because", f.Reason)
		case sweep.Unconfirmed:
			g.logger.Error("an endpoint past its deadline is not confirmed gone", "provider", f.Provider, "endpoint", f.State.ID, "name", f.State.Name, "error", f.Err)
		}
	}
	for _, err := range report.Errs {
		g.logger.Error("sweep without Temporal", "error", err)
	}
}
