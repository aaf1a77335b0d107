package worker

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/webhook"
	"github.com/nightshift-run/nightshift/workflows"
)

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
