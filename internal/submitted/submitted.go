// Package submitted tells what a job was submitted with, from the first event of
// its workflow's history. It only reads.
package submitted

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/nightshift-run/nightshift/workflows"
)

// Input is the input of a job's newest run. Errors are Temporal's, among them
// serviceerror.NotFound for a job that the server does not know, and one for a
// workflow that is no job.
func Input(ctx context.Context, c client.Client, job string) (workflows.BatchInput, error) {
	events := c.GetWorkflowHistory(ctx, job, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	if err != nil {
		return workflows.BatchInput{}, err
	}
	started := first.GetWorkflowExecutionStartedEventAttributes()
	if name := started.GetWorkflowType().GetName(); name != workflows.BatchWorkflow {
		return workflows.BatchInput{}, fmt.Errorf("workflow %s is a %s, not a job", job, name)
	}
	var input workflows.BatchInput
	if err := converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &input); err != nil {
		return workflows.BatchInput{}, fmt.Errorf("read what job %s was submitted with: %w", job, err)
	}
	return input, nil
}
