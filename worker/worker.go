// Package worker runs nightshift's workflows and activities against a Temporal
// server: registration, task queues, slots and an orderly stop.
package worker

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"go.temporal.io/sdk/worker"

	"github.com/nightshift-run/nightshift/internal/chat"
)

// Run registers and runs the workers until ctx ends, then stops them: it
// returns when every activity has ended or StopTimeout has passed. It first
// waits until Temporal answers, and makes sure that the namespace has the search
// attributes which Batch sets, and with role control the schedule that sweeps.
// A control worker guards against outages of Temporal from the beginning.
func Run(ctx context.Context, o Options) error {
	worker.SetBinaryChecksum(Build())
	worker.SetStickyWorkflowCacheSize(workflowCache)
	o.transport = chat.Transport(maxConnections)
	known := o.known()
	defer o.startOutageGuard(ctx, known)()
	installation, err := o.prepare(ctx, known)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	var running []worker.Worker
	defer func() { stopAll(running) }()
	fatal := make(chan error, len(queues))
	for _, queue := range queues {
		if !o.has(queue.role) {
			continue
		}
		w := worker.New(o.Client, queue.name, o.workerOptions(queue, fatal))
		queue.register(w, o, installation)
		if err := w.Start(); err != nil {
			return fmt.Errorf("start the %s worker: %w", queue.role, err)
		}
		running = append(running, w)
	}
	o.Health.expect(o.queueNames(), func(ctx context.Context) error {
		_, err := Installation(ctx, o.Client, o.Namespace)
		return err
	})
	defer o.Health.expect(nil, nil) // before the workers stop
	o.Logger.Info("worker ready", "namespace", o.Namespace, "installation", installation, "roles", o.Roles)
	select {
	case err := <-fatal:
		return err
	case <-ctx.Done():
		return nil
	}
}

// stopAll stops the workers side by side: one that waits for its activities must
// not have the others take new ones meanwhile.
func stopAll(running []worker.Worker) {
	var stopping sync.WaitGroup
	for _, w := range running {
		stopping.Go(w.Stop)
	}
	stopping.Wait()
}

// Build names what is running: the commit, or the module's version where that
// is not known. Left to itself the SDK reads the whole binary to make a name of
// it.
func Build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value
		}
	}
	return info.Main.Version
}
