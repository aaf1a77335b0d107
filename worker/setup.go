package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/nightshift-run/nightshift/workflows"
)

// A server's front end reads the namespaces anew every ten seconds or so;
// until then a new one is unknown to most calls.
const (
	namespacePoll = time.Second
	namespaceWait = time.Minute
)

// SetUp makes the namespace, unless it exists, with the search attributes that
// Batch sets, and returns when jobs can be submitted to it. Runs that have
// ended stay for the retention, which an existing namespace keeps as it is.
// Running it twice, or in two processes at once, is once.
func SetUp(ctx context.Context, c client.Client, namespace string, retention time.Duration) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if _, exists := errors.AsType[*serviceerror.NamespaceAlreadyExists](err); err != nil && !exists {
		return fmt.Errorf("create namespace %s: %w\nwhere namespaces are made by other means, as in Temporal Cloud: --no-namespace", namespace, err)
	}
	ctx, cancel := context.WithTimeout(ctx, namespaceWait)
	defer cancel()
	for {
		err := usable(ctx, c, namespace)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(namespacePoll):
		}
	}
}

// usable adds the search attributes and makes a call of the kind that needs the
// front end to know the namespace.
func usable(ctx context.Context, c client.Client, namespace string) error {
	if _, err := prepareNamespace(ctx, c, namespace); err != nil {
		return err
	}
	if _, err := c.DescribeTaskQueue(ctx, workflows.ControlQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW); err != nil {
		return fmt.Errorf("describe task queue %s: %w", workflows.ControlQueue, err)
	}
	return nil
}
