// Package worker runs nightshift's workflows and activities against a Temporal
// server: registration, task queues, slots and an orderly stop.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/workflows"
)

// Role is a kind of work.
type Role string

// The roles. A process may have both. Control ends rentals, so it should run in
// two places; data moves the prompts and is what one adds more of.
const (
	Control Role = "control"
	Data    Role = "data"
)

// Options is what a worker needs.
type Options struct {
	Client    client.Client
	Namespace string
	Store     *bucket.Store
	Providers activities.Providers
	Roles     []Role // none means all
	TempDir   string // empty means the system's
	Logger    *slog.Logger

	// StopTimeout is how long a shard has, after Run's context ends, to finish
	// what is in flight and flush it. 0 means 20 s, which must be less than
	// what the process's supervisor grants.
	StopTimeout time.Duration

	// SweepEvery is how often the namespace's control workers go through the
	// providers' listings for endpoints that nobody will release any more. 0
	// means DefaultSweepEvery; NoSweep leaves the schedule as it is.
	SweepEvery time.Duration
	NoSweep    bool

	// ReleaseAfterOutage is how long Temporal may be out of reach before a
	// control worker releases endpoints past their deadline by itself; 0 means
	// that it never does.
	ReleaseAfterOutage time.Duration

	// Prices are the operator's own, for providers that do not tell theirs.
	Prices prices.Prices

	// Health, if there is one, is told what the process should be doing. It must
	// observe Client.
	Health *Health
}

const (
	defaultStopTimeout = 20 * time.Second

	// shardSlots is how many shards one process has open. Requests in flight
	// are bounded by pace, not by this; several shards are open so that the
	// last slow requests of one do not leave the endpoint idle.
	shardSlots = 8

	// controlSlots bounds the control activities of one process, which wait most
	// of the time. A serving endpoint holds one for as long as it serves, and a
	// release must never wait for one.
	controlSlots = 5000

	// batchSlots is how many of the providers' own batches one process waits for.
	// Each holds a slot for hours, a journal and little else.
	batchSlots = 200

	// maxConnections bounds connections to one endpoint.
	maxConnections = 4096

	// heartbeatThrottle lets every beat through. By default the SDK holds back
	// beats for 80 % of the timeout, and with them the news of a cancellation.
	heartbeatThrottle = time.Second
)

// Run registers and runs the workers until ctx ends, then stops them: it
// returns when every activity has ended or StopTimeout has passed. It first
// makes sure that the namespace has the search attributes which Batch sets,
// and with role control the schedule that sweeps.
func Run(ctx context.Context, o Options) error {
	worker.SetBinaryChecksum(build())
	installation, err := prepareNamespace(ctx, o.Client, o.Namespace)
	if err != nil {
		return err
	}
	stopGuards, err := o.startGuards(ctx, installation)
	if err != nil {
		return err
	}
	defer stopGuards()
	var running []worker.Worker
	defer func() {
		for _, w := range running {
			w.Stop()
		}
	}()
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

// build names what is running. Left to itself the SDK reads the whole binary to
// make a name of it.
func build() string {
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

func (o Options) has(role Role) bool {
	for _, r := range o.Roles {
		if r == role {
			return true
		}
	}
	return len(o.Roles) == 0
}

// queue is a task queue with what is registered on it.
type queue struct {
	role     Role
	name     string
	slots    int
	register func(worker.Registry, Options, string)
}

var queues = []queue{
	{Control, workflows.ControlQueue, controlSlots, registerControl},
	{Data, workflows.DataQueue, shardSlots, registerData},
	{Data, workflows.BatchQueue, batchSlots, registerBatches},
}

// queueNames are the task queues that a process with these roles polls.
func (o Options) queueNames() (names []string) {
	for _, q := range queues {
		if o.has(q.role) {
			names = append(names, q.name)
		}
	}
	return names
}

func (o Options) workerOptions(q queue, fatal chan<- error) worker.Options {
	stop := o.StopTimeout
	if stop == 0 {
		stop = defaultStopTimeout
	}
	return worker.Options{
		MaxConcurrentActivityExecutionSize: q.slots,
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
		DefaultHeartbeatThrottleInterval:   heartbeatThrottle,
		WorkerStopTimeout:                  stop,
		DisableWorkflowWorker:              q.role == Data,
		OnFatalError: func(err error) {
			fatal <- fmt.Errorf("the %s worker stopped: %w", q.role, err)
		},
	}
}

// registerControl registers the workflows, and the activities that must always
// find a worker.
func registerControl(r worker.Registry, o Options, installation string) {
	r.RegisterWorkflowWithOptions(workflows.Batch, workflow.RegisterOptions{Name: workflows.BatchWorkflow})
	r.RegisterWorkflowWithOptions(workflows.Endpoint, workflow.RegisterOptions{Name: workflows.EndpointWorkflow})
	r.RegisterWorkflowWithOptions(workflows.Sweep, workflow.RegisterOptions{Name: workflows.SweepWorkflow})

	owners := &activities.Owners{Client: o.Client}
	endpoints := &activities.Endpoints{
		Providers: o.Providers, Installation: installation,
		Dial: activities.NewDial(o.Providers, chat.Transport(maxConnections)), Store: o.Store, Owners: owners,
		Prices: o.Prices.Of,
	}
	sweeping := &activities.Sweeping{Client: o.Client, Providers: o.Providers, Installation: installation}
	register(r, map[string]any{
		workflows.SweepEndpoints:  sweeping.SweepEndpoints,
		workflows.AskEndpoint:     owners.AskEndpoint,
		workflows.DismissEndpoint: owners.DismissEndpoint,
		workflows.WatchOwner:      owners.WatchOwner,
		workflows.CheckEndpoint:   endpoints.CheckEndpoint,
		workflows.CreateEndpoint:  endpoints.CreateEndpoint,
		workflows.AwaitEndpoint:   endpoints.AwaitEndpoint,
		workflows.TendEndpoint:    endpoints.TendEndpoint,
		workflows.ReleaseEndpoint: endpoints.ReleaseEndpoint,
	})
}

// registerData registers the activities that touch prompts and answers.
func registerData(r worker.Registry, o Options, _ string) {
	planning := &activities.Planning{Store: o.Store, TempDir: o.TempDir}
	requests := activities.NewRequests(o.Store, &activities.Targets{
		Dial: activities.NewDial(o.Providers, chat.Transport(maxConnections)),
	})
	results := &activities.Results{Store: o.Store, TempDir: o.TempDir}
	register(r, map[string]any{
		workflows.PlanInput:      planning.PlanInput,
		workflows.RunShard:       requests.RunShard,
		workflows.CollectResults: results.CollectResults,
		workflows.WriteReport:    results.WriteReport,
	})
}

// registerBatches registers the activity that waits for a provider's batch. It
// must not take the slots of those that keep an endpoint busy.
func registerBatches(r worker.Registry, o Options, _ string) {
	batches := &activities.ProviderBatches{Store: o.Store, Open: activities.NewOpenBatches(o.Providers)}
	register(r, map[string]any{workflows.RunShardAsBatch: batches.RunShardAsBatch})
}

func register(r worker.Registry, named map[string]any) {
	for name, function := range named {
		r.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}
