package activities

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/workflows"
)

// Owners connects a Batch with its Endpoint, which is no child of it: a child
// would share its fate in some of the ways in which a workflow can end.
type Owners struct {
	Client client.Client
}

// AskEndpoint asks the job's Endpoint for an endpoint, and starts it if it is
// not running. Asking twice is asking once: Endpoint answers each time with
// how far it has come.
func (o *Owners) AskEndpoint(ctx context.Context, request workflows.EndpointRequest) (workflows.EndpointAsked, error) {
	run, err := o.signal(ctx, request, workflows.AskSignal, request)
	return workflows.EndpointAsked{Run: run}, err
}

// DismissEndpoint tells the job's Endpoint to release, and starts one to do so
// if none is running. Dismissing twice does no harm.
func (o *Owners) DismissEndpoint(ctx context.Context, dismissal workflows.Dismissal) error {
	_, err := o.signal(ctx, dismissal.Request, workflows.DismissSignal, dismissal)
	return err
}

// signal returns the id of the run that was signalled.
func (o *Owners) signal(ctx context.Context, request workflows.EndpointRequest, signal string, payload any) (run string, err error) {
	id := workflows.EndpointIDOf(request.Job, request.Endpoint)
	options := client.StartWorkflowOptions{
		ID:                    id,
		TaskQueue:             workflows.ControlQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         request.Endpoint.String() + " for " + whom(request),
	}
	signalled, err := o.Client.SignalWithStartWorkflow(ctx, id, signal, payload, options, workflows.EndpointWorkflow, request)
	if err != nil {
		return "", again(fmt.Errorf("send %s to workflow %s: %w", signal, id, err))
	}
	return signalled.GetRunID(), nil
}

// whom names the job for which an endpoint is rented, or the share.
func whom(request workflows.EndpointRequest) string {
	if name := request.Endpoint.Share.Name; name != "" {
		return "the jobs that share " + name
	}
	return request.Job
}

// WatchOwner returns nil once no run of the workflow is open: closed in
// whatever way, or unknown to the server. While one is open it fails with an
// error that is retried, which costs no history. It only reads.
func (o *Owners) WatchOwner(ctx context.Context, workflowID string) error {
	// An empty run id means the newest run, so that retries, resets and
	// continue-as-new are followed.
	description, err := o.Client.DescribeWorkflowExecution(ctx, workflowID, "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	if err != nil {
		return waiting(fmt.Sprintf("describe workflow %s: %v", workflowID, err), 0)
	}
	if closed(description.GetWorkflowExecutionInfo().GetStatus()) {
		return nil
	}
	return waiting("the job is open", 0)
}

// WatchEndpoint returns nil once the run of the workflow is no longer the newest,
// or no longer open: it was terminated, reset, or continued as new. Until then it
// fails with an error that is retried, which costs no history. It only reads.
func (o *Owners) WatchEndpoint(ctx context.Context, call workflows.GuardCall) error {
	description, err := o.Client.DescribeWorkflowExecution(ctx, call.Workflow, "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	if err != nil {
		return waiting(fmt.Sprintf("describe workflow %s: %v", call.Workflow, err), 0)
	}
	newest := description.GetWorkflowExecutionInfo()
	if closed(newest.GetStatus()) || newest.GetExecution().GetRunId() != call.Run {
		return nil
	}
	return waiting("the Endpoint workflow is open", 0)
}

// closed reports whether a workflow's newest run has ended for good. A status
// that this version does not know is not taken for an end.
func closed(status enumspb.WorkflowExecutionStatus) bool {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED,
		enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return true
	}
	return false
}
