package deaths

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/local/stack"
)

// death is a way in which a job, or what carries it, ends before its time.
type death struct {
	name    string
	strike  func(context.Context, *world) error
	back    func(*world) []*parts.Process // what is started again afterwards, in that order
	down    time.Duration                 // for how long it is away
	ends    enumspb.WorkflowExecutionStatus
	workers func() [][]string
	limit   time.Duration // of the workflow's execution; 0 is none
	ended   bool          // the death ends the job, so that its release is waited for
	resends bool          // requests that were in flight or not yet flushed are sent anew
	few     string        // the moment at which a short run has this death strike
}

func (d death) called() string { return d.name }

const (
	completed  = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	canceled   = enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
	terminated = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED
	timedOut   = enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT
)

// executionLimit is long enough for a job to come to any moment, and short
// enough to wait for.
const executionLimit = 15 * time.Second

var deaths = []death{
	{name: "cancelled", strike: cancelJob, ends: canceled, ended: true, workers: oneWorker, few: "warming"},
	{name: "terminated", strike: terminateJob, ends: terminated, ended: true, workers: oneWorker, few: "creating"},
	{name: "terminated without a control worker", strike: terminateUncontrolled, back: controlWorker, down: 8 * time.Second,
		ends: terminated, ended: true, workers: twoWorkers, few: "running"},
	{name: "timed out", strike: awaitClosed, ends: timedOut, ended: true, workers: oneWorker, limit: executionLimit, few: "releasing"},
	{name: "reset to the start", strike: resetJob(first), ends: completed, resends: true, workers: oneWorker, few: "running"},
	{name: "reset to the last task", strike: resetJob(last), ends: completed, resends: true, workers: oneWorker, few: "warming"},
	{name: "worker killed", strike: kill(allWorkers), back: allWorkers, down: 2 * time.Second, ends: completed, resends: true, workers: oneWorker, few: "running"},
	{name: "control worker killed", strike: kill(controlWorker), back: controlWorker, down: 8 * time.Second, ends: completed, workers: twoWorkers, few: "creating"},
	{name: "Temporal killed", strike: kill(temporalServer), back: temporalServer, down: 4 * time.Second, ends: completed, workers: oneWorker, few: "releasing"},
	{name: "S3 killed", strike: kill(objectServer), back: objectServer, down: 4 * time.Second, ends: completed, workers: oneWorker, few: "running"},
	{name: "machine killed", strike: kill(machine), back: boot, down: 2 * time.Second, ends: completed, resends: true, workers: oneWorker, few: "creating"},
}

func cancelJob(ctx context.Context, w *world) error {
	return w.client.CancelWorkflow(ctx, w.job, "")
}

func terminateJob(ctx context.Context, w *world) error {
	return w.client.TerminateWorkflow(ctx, w.job, "", "by hand")
}

func terminateUncontrolled(ctx context.Context, w *world) error {
	return errors.Join(kill(controlWorker)(ctx, w), terminateJob(ctx, w))
}

// awaitClosed lets Temporal end the job: none of its code runs then.
func awaitClosed(ctx context.Context, w *world) error {
	return parts.Until(ctx, func() bool { return w.closed(ctx) })
}

// The parts that a death kills.
func allWorkers(w *world) []*parts.Process     { return w.workers }
func controlWorker(w *world) []*parts.Process  { return w.workers[:1] }
func temporalServer(w *world) []*parts.Process { return []*parts.Process{w.temporal} }
func objectServer(w *world) []*parts.Process   { return []*parts.Process{w.objects} }
func machine(w *world) []*parts.Process        { return w.processes() }

// boot is the order in which a machine comes up.
func boot(w *world) []*parts.Process {
	return append([]*parts.Process{w.objects, w.temporal}, w.workers...)
}

// kill is kill -9 of all at once, as far as one can.
func kill(which func(*world) []*parts.Process) func(context.Context, *world) error {
	return func(_ context.Context, w *world) error {
		var errs []error
		for _, one := range which(w) {
			errs = append(errs, one.Strike())
		}
		for _, one := range which(w) {
			_ = one.Kill() // waits until it is gone
		}
		return errors.Join(errs...)
	}
}

// resetJob begins the job anew at one of its finished workflow tasks.
func resetJob(choose func(tasks []int64) int64) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		tasks, err := w.finishedTasks(ctx)
		if err != nil {
			return err
		}
		_, err = w.client.ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: stack.Namespace, WorkflowExecution: &common.WorkflowExecution{WorkflowId: w.job},
			Reason: "by hand", RequestId: w.job + "-reset", WorkflowTaskFinishEventId: choose(tasks),
		})
		return err
	}
}

func first(tasks []int64) int64 { return tasks[0] }
func last(tasks []int64) int64  { return tasks[len(tasks)-1] }

// finishedTasks returns the events at which the job can be reset.
func (w *world) finishedTasks(ctx context.Context) (tasks []int64, err error) {
	events := w.client.GetWorkflowHistory(ctx, w.job, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			tasks = append(tasks, event.GetEventId())
		}
	}
	if len(tasks) == 0 {
		return nil, fmt.Errorf("job %s has no finished workflow task", w.job)
	}
	return tasks, nil
}
