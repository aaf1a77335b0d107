package worker

import (
	"cmp"
	"context"
	"sync"

	"github.com/nightshift-run/nightshift/internal/sweep"
)

// startGuards starts what watches over endpoints beside their own workflows, on
// workers of role control.
func (o Options) startGuards(ctx context.Context, installation string) (stop func(), err error) {
	if !o.has(Control) {
		return func() {}, nil
	}
	if !o.NoSweep {
		if err := installSweep(ctx, o.Client, cmp.Or(o.SweepEvery, DefaultSweepEvery), o.Logger); err != nil {
			return nil, err
		}
	}
	if o.ReleaseAfterOutage == 0 {
		return func() {}, nil
	}
	accounts, err := o.Providers.Accounts()
	if err != nil { // told again by whatever uses the provider; the others are guarded
		o.Logger.Warn("not guarded during an outage of Temporal", "error", err)
	}
	guarding, end := context.WithCancel(ctx)
	var guards sync.WaitGroup
	guards.Go(func() { o.newOutageGuard(accounts, installation).run(guarding) })
	return func() {
		end()
		guards.Wait()
	}, nil
}

// newOutageGuard makes the guard of a control worker. It asks for the namespace,
// which takes a server that reaches its database; a front end's health check
// does not.
func (o Options) newOutageGuard(accounts []sweep.Account, installation string) *outageGuard {
	return &outageGuard{
		reach: func(ctx context.Context) error {
			_, err := Installation(ctx, o.Client, o.Namespace)
			return err
		},
		sweep: func(ctx context.Context) sweep.Report {
			return sweep.Run(ctx, accounts, sweep.Options{Installation: installation})
		},
		after: o.ReleaseAfterOutage, logger: o.Logger,
	}
}
