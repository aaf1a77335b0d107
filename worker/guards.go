package worker

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/sweep"
)

// startOutageGuard starts the guard against outages of Temporal, on workers of
// role control. It needs no Temporal to start.
func (o Options) startOutageGuard(ctx context.Context, known *installationName) (stop func()) {
	if !o.has(Control) || o.ReleaseAfterOutage == 0 {
		return func() {}
	}
	accounts, err := o.Providers.Accounts()
	if err != nil { // told again by whatever uses the provider; the others are guarded
		o.Logger.Warn("not guarded during an outage of Temporal", "error", err)
	}
	guarding, end := context.WithCancel(ctx)
	var guards sync.WaitGroup
	guards.Go(func() { o.newOutageGuard(accounts, known).run(guarding) })
	return func() {
		end()
		guards.Wait()
	}
}

// errNameless is why a worker that started in an outage cannot guard.
var errNameless = errors.New("the name that this installation gives to its endpoints is not known before Temporal answers for the first time, " +
	"so that nothing is released; to have it known: --installation, with the name that is logged when a worker is ready")

// newOutageGuard makes the guard of a control worker. It asks for the namespace,
// which takes a server that reaches its database; a front end's health check
// does not.
func (o Options) newOutageGuard(accounts []sweep.Account, known *installationName) *outageGuard {
	return &outageGuard{
		reach: func(ctx context.Context) error {
			_, err := Installation(ctx, o.Client, o.Namespace)
			return err
		},
		sweep: func(ctx context.Context) sweep.Report {
			name := known.get()
			if name == "" {
				return sweep.Report{Errs: []error{errNameless}}
			}
			report := sweep.Run(ctx, accounts, sweep.Options{Installation: name})
			activities.CountSweep(o.Telemetry.Metrics(), report)
			return report
		},
		after: o.ReleaseAfterOutage, logger: o.Logger,
	}
}

// installSchedule installs what control workers keep for the whole namespace.
func (o Options) installSchedule(ctx context.Context) error {
	if !o.has(Control) || o.NoSweep {
		return nil
	}
	return installSweep(ctx, o.Client, cmp.Or(o.SweepEvery, DefaultSweepEvery), o.Logger)
}
