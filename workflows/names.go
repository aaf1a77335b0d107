package workflows

import (
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
)

// Task queues. Control work is small and must always find a worker, since it
// ends rentals; data work moves the prompts.
const (
	ControlQueue = "nightshift-control"
	DataQueue    = "nightshift-data"
	BatchQueue   = "nightshift-batches" // data work that waits for a provider's own batches
)

// Workflow types.
const (
	BatchWorkflow    = "Batch"
	EndpointWorkflow = "Endpoint"
	SweepWorkflow    = "Sweep"
	NightlyWorkflow  = "Nightly"
	NotifyWorkflow   = "Notify"
)

// SweepSchedule is the id of the schedule that starts Sweep, and the beginning
// of the ids of its workflows.
const SweepSchedule = "nightshift-sweep"

// Activity types. Those of the endpoint's life and of the job's bookkeeping run
// on the control queue, those that touch prompts on the data queue.
const (
	CheckEndpoint   = "CheckEndpoint"
	ClaimOutput     = "ClaimOutput"
	PlanInput       = "PlanInput"
	ReuseResults    = "ReuseResults"
	AskEndpoint     = "AskEndpoint"
	DismissEndpoint = "DismissEndpoint"
	CreateEndpoint  = "CreateEndpoint"
	AwaitEndpoint   = "AwaitEndpoint"
	TendEndpoint    = "TendEndpoint"
	WatchOwner      = "WatchOwner"
	WatchEndpoint   = "WatchEndpoint"
	ReleaseEndpoint = "ReleaseEndpoint"
	SweepEndpoints  = "SweepEndpoints"
	RunShard        = "RunShard"
	RunShardAsBatch = "RunShardAsBatch"
	CollectResults  = "CollectResults"
	WriteReport     = "WriteReport"
	SendNotice      = "SendNotice"
)

// Signals: ask and dismiss go from a Batch to its Endpoint, rental comes back.
const (
	AskSignal     = "ask"
	DismissSignal = "dismiss"
	RentalSignal  = "rental"
)

// Changes of what a workflow does, for workflow.GetVersion: runs that began
// before one go on as they began.
const (
	cancelledWarmupBilled = "cancelled-warmup-billed" // Endpoint waits for the meter of a warm-up that was cut short
	guardedBatches        = "guarded-batches"         // Batch has an Endpoint workflow in mode provider-batch as well
	rentAfterLostWarmup   = "rent-after-lost-warmup"  // Batch rents again after an endpoint that was lost while it warmed up
	reportWithoutPlan     = "report-without-plan"     // Batch writes a report even if the input was never planned
	showsProvider         = "shows-provider"          // Batch sets ProviderAttribute
	windowByWorkers       = "window-by-workers"       // Batch opens as many shards as its workers can do
	claimChange           = "claim-output"            // Batch claims its output first
)

// Updates that Batch takes: a [Pause], and the end of one. Both answer with the
// [Progress].
const (
	PauseUpdate  = "pause"
	ResumeUpdate = "resume"
)

// ProgressQuery is answered by Batch with a [Progress].
const ProgressQuery = "progress"

// SharingQuery is answered by the Endpoint of a shared endpoint with a [Sharing].
const SharingQuery = "sharing"

// EndpointID is the workflow id of the Endpoint that serves a Batch. The
// Batch's own workflow id is the job's id.
func EndpointID(job string) string { return "endpoint/" + job }

// EndpointIDOf is the workflow id of the Endpoint for one of a job's endpoints.
// For one that the job names by its id it is the same for all jobs, so that no
// two have it at a time; for a shared one it is that of all jobs that share it.
func EndpointIDOf(job string, endpoint jobs.Endpoint) string {
	switch {
	case endpoint.ID != "":
		return NamedEndpointID(endpoint.Provider, endpoint.ID)
	case !endpoint.Share.IsZero():
		return EndpointID(endpoint.SharedID())
	}
	return EndpointID(job)
}

// NamedEndpointID is EndpointIDOf for an endpoint that is named by its id.
func NamedEndpointID(provider, id string) string { return "endpoint/" + provider + "/" + id }

// NightlyID is the beginning of the workflow ids of a schedule's runs, which
// Temporal ends with the time for which each is scheduled.
func NightlyID(schedule string) string { return "nightly/" + schedule }

// NotifyID is the workflow id of the Notify that tells of a job's end.
func NotifyID(job string) string { return "notify/" + job }

// ScheduledFor is the search attribute in which Temporal tells a workflow that
// a schedule started for what time that was.
var ScheduledFor = temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime")

// The search attributes of a Batch. They must exist in the namespace before a
// job is started; the worker sees to it when it starts.
var (
	PhaseAttribute    = temporal.NewSearchAttributeKeyKeyword("BatchPhase")
	JobAttribute      = temporal.NewSearchAttributeKeyKeyword("BatchJob")
	ProviderAttribute = temporal.NewSearchAttributeKeyKeyword("BatchProvider")
	ModelAttribute    = temporal.NewSearchAttributeKeyKeyword("BatchModel")
	EndpointAttribute = temporal.NewSearchAttributeKeyKeyword("BatchEndpoint")
	TotalAttribute    = temporal.NewSearchAttributeKeyInt64("BatchTotal")
	DoneAttribute     = temporal.NewSearchAttributeKeyInt64("BatchDone")
	FailedAttribute   = temporal.NewSearchAttributeKeyInt64("BatchFailed")
)

// SearchAttributes lists them all, for whoever registers them.
func SearchAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{
		PhaseAttribute, JobAttribute, ProviderAttribute, ModelAttribute, EndpointAttribute,
		TotalAttribute, DoneAttribute, FailedAttribute,
	}
}
