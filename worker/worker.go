// Package worker runs nightshift's workflows and activities against a Temporal
// server: registration, task queues, slots and an orderly stop.
package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/internal/webhook"
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

	// Slots is how many shards a data worker has open at once; 0 means
	// DefaultSlots. Pollers is how many requests for work it has open for each task
	// queue; 0 means DefaultPollers.
	Slots   int
	Pollers int

	// Deployment says which version this worker is of which Worker Deployment, for
	// Temporal's Worker Versioning; its zero value leaves that out.
	Deployment Deployment

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

	// Installation is the installation's name, as far as it is known before
	// Temporal answers: a control worker that starts during an outage guards with
	// it. A name that is not the namespace's is an error. Without one, what
	// StateFile says counts, in which a worker writes the name down once it knows
	// it. Both may be empty.
	Installation string
	StateFile    string

	// Health, if there is one, is told what the process should be doing. It must
	// observe Client.
	Health *Health

	// Telemetry counts and traces what the process does; nil does neither. It must
	// observe Client.
	Telemetry *telemetry.Telemetry

	transport http.RoundTripper // to all endpoints
}

const (
	defaultStopTimeout = 20 * time.Second

	// DefaultSlots is how many shards one process has open. Requests in flight and
	// their memory are bounded by other means; what a shard that waits for its
	// job's turn holds is a record, and a byte for each of its requests. A job opens a
	// few in each worker (see workflows.Batch), so that this is room for others.
	DefaultSlots = 32

	// DefaultPollers is Temporal's own default.
	DefaultPollers = 2

	// controlSlots bounds the control activities of one process, which wait most
	// of the time. A serving endpoint holds one for as long as it serves, and a
	// release must never wait for one.
	controlSlots = 5000

	// batchSlots is how many of the providers' own batches one process waits for.
	// Each holds a slot for hours, a journal and little else.
	batchSlots = 200

	// maxConnections bounds connections to one endpoint.
	maxConnections = 4096

	// workflowCache is how many workflows a control worker keeps in memory between
	// their steps; others are read anew from their histories. An open job takes up
	// to some megabytes.
	workflowCache = 200

	// heartbeatThrottle lets every beat through. By default the SDK holds back
	// beats for 80 % of the timeout, and with them the news of a cancellation.
	heartbeatThrottle = time.Second
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
	slots    int // 0 is Options.Slots
	register func(worker.Registry, Options, string)
}

var queues = []queue{
	{Control, workflows.ControlQueue, controlSlots, registerControl},
	{Data, workflows.DataQueue, 0, registerData},
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
	pollers := cmp.Or(o.Pollers, DefaultPollers)
	return worker.Options{
		MaxConcurrentActivityExecutionSize: cmp.Or(q.slots, o.Slots, DefaultSlots),
		MaxConcurrentActivityTaskPollers:   pollers,
		MaxConcurrentWorkflowTaskPollers:   max(pollers, 2), // the SDK needs one for what it has cached
		MaxHeartbeatThrottleInterval:       heartbeatThrottle,
		DefaultHeartbeatThrottleInterval:   heartbeatThrottle,
		WorkerStopTimeout:                  cmp.Or(o.StopTimeout, defaultStopTimeout),
		DeploymentOptions:                  o.Deployment.options(),
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
	r.RegisterWorkflowWithOptions(workflows.Nightly, workflow.RegisterOptions{Name: workflows.NightlyWorkflow})
	r.RegisterWorkflowWithOptions(workflows.Notify, workflow.RegisterOptions{Name: workflows.NotifyWorkflow})

	owners := &activities.Owners{Client: o.Client}
	endpoints := &activities.Endpoints{
		Providers: o.Providers, Installation: installation,
		Dial: activities.NewDial(o.Providers, o.transport), Store: o.Store, Owners: owners,
		Prices: o.Prices.Of, Metrics: o.Telemetry.Metrics(),
	}
	notices := &activities.Notices{HTTP: webhook.Client()}
	sweeping := &activities.Sweeping{Client: o.Client, Providers: o.Providers, Installation: installation, Metrics: o.Telemetry.Metrics()}
	register(r, map[string]any{
		workflows.SweepEndpoints:  sweeping.SweepEndpoints,
		workflows.SendNotice:      notices.SendNotice,
		workflows.AskEndpoint:     owners.AskEndpoint,
		workflows.DismissEndpoint: owners.DismissEndpoint,
		workflows.WatchOwner:      owners.WatchOwner,
		workflows.WatchEndpoint:   owners.WatchEndpoint,
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
	metrics := o.Telemetry.Metrics()
	targets := &activities.Targets{Dial: activities.NewDial(o.Providers, o.transport), Metrics: metrics, Tracer: o.Telemetry.Tracer()}
	metrics.WatchTargets(targets.Paces)
	requests := activities.NewRequests(o.Store, targets)
	results := &activities.Results{Store: o.Store, TempDir: o.TempDir, Metrics: metrics}
	outputs := &activities.Outputs{Store: o.Store, TempDir: o.TempDir, Lookup: (&activities.Owners{Client: o.Client}).Lookup}
	register(r, map[string]any{
		workflows.ClaimOutput:    outputs.ClaimOutput,
		workflows.ReuseResults:   planning.ReuseResults,
		workflows.PlanInput:      planning.PlanInput,
		workflows.RunShard:       requests.RunShard,
		workflows.CollectResults: results.CollectResults,
		workflows.WriteReport:    results.WriteReport,
	})
}

// registerBatches registers the activity that waits for a provider's batch. It
// must not take the slots of those that keep an endpoint busy.
func registerBatches(r worker.Registry, o Options, _ string) {
	batches := &activities.ProviderBatches{Store: o.Store, Open: activities.NewOpenBatches(o.Providers), Metrics: o.Telemetry.Metrics()}
	register(r, map[string]any{workflows.RunShardAsBatch: batches.RunShardAsBatch})
}

func register(r worker.Registry, named map[string]any) {
	for name, function := range named {
		r.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}
