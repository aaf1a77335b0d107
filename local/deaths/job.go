package deaths

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/workflows"
)

const (
	inputURL  = "s3://" + bucketName + "/in.jsonl"
	outputURL = "s3://" + bucketName + "/out/"
)

// submit writes the input and starts the job.
func (w *world) submit(ctx context.Context) error {
	var input bytes.Buffer
	for i := range w.lines {
		fmt.Fprintf(&input, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"any","messages":[{"role":"user","content":"question %d"}],"max_tokens":8}}`+"\n", i, i)
	}
	if _, err := w.store.Put(ctx, inputURL, input.Bytes(), bucket.PutOptions{}); err != nil {
		return err
	}
	spec := jobs.Spec{Name: "death", Input: jobs.URLs{inputURL}, Output: outputURL, Endpoint: w.provider.at(w.cloud.URL)}
	w.job = "death"
	options := client.StartWorkflowOptions{ID: w.job, TaskQueue: workflows.ControlQueue, WorkflowExecutionTimeout: w.death.limit}
	_, err := w.client.ExecuteWorkflow(ctx, options, workflows.BatchWorkflow, workflows.BatchInput{Job: w.job, Spec: spec.WithDefaults()})
	return err
}

// status is that of the job's newest run; Unspecified while Temporal is away.
func (w *world) status(ctx context.Context) enumspb.WorkflowExecutionStatus {
	description, err := w.client.DescribeWorkflowExecution(ctx, w.job, "")
	if err != nil {
		return enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
	}
	return description.GetWorkflowExecutionInfo().GetStatus()
}

func (w *world) closed(ctx context.Context) bool {
	switch w.status(ctx) {
	case enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return false
	}
	return true
}

// awaitOver waits until the job is closed, nothing runs, and nobody is about to
// change that. early is how many endpoints ran when the job, by its own code,
// was closed.
func (w *world) awaitOver(ctx context.Context) (early int, err error) {
	if err := parts.Until(ctx, func() bool { return w.closed(ctx) }); err != nil {
		return 0, fmt.Errorf("the job: %w", err)
	}
	if status := w.status(ctx); status != terminated && status != timedOut {
		early = len(w.cloud.Ledger().Running())
	}
	err = parts.Until(ctx, func() bool { return w.endpointDone(ctx) && len(w.cloud.Ledger().Running()) == 0 })
	if err != nil {
		return early, fmt.Errorf("the endpoint: %w", err)
	}
	return early, nil
}

// endpointDone reports whether the Endpoint workflow is closed or has nothing
// left to do but to wait for its second look.
func (w *world) endpointDone(ctx context.Context) bool {
	description, err := w.client.DescribeWorkflowExecution(ctx, workflows.EndpointID(w.job), "")
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return true
	}
	if err != nil {
		return false
	}
	if description.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return true
	}
	return description.GetPendingWorkflowTask() == nil && !slices.ContainsFunc(description.GetPendingActivities(), busy)
}

func busy(activity *workflowpb.PendingActivityInfo) bool {
	return activity.GetActivityType().GetName() != workflows.WatchOwner
}

// failure is the error that the job ended with, in its own words.
func (w *world) failure(ctx context.Context) error {
	return w.client.GetWorkflow(ctx, w.job, "").Get(ctx, nil)
}

// unflushed counts the requests that endpoints took and whose answers are not in
// the bucket. It first waits until the cloud has noticed that its clients are
// gone.
func (w *world) unflushed(ctx context.Context) (int64, error) {
	if err := parts.Until(ctx, func() bool { return w.cloud.Ledger().Data.InFlight == 0 }); err != nil {
		return 0, fmt.Errorf("requests of a dead worker stay in flight: %w", err)
	}
	flushed := map[string]int{}
	for object, err := range w.store.List(ctx, bucket.Join(outputURL, ".nightshift", w.job, "parts")+"/") {
		if err == nil {
			err = w.countLines(ctx, object.URL, func(l line) { flushed[l.CustomID]++ })
		}
		if err != nil {
			return 0, err
		}
	}
	return w.cloud.Ledger().Data.DistinctBodies - int64(len(flushed)), nil
}

// line is a result line, as far as it is looked at.
type line struct {
	CustomID string `json:"custom_id"`
	file     string
}

func (l line) failed() bool { return strings.HasSuffix(l.file, "errors.jsonl") }

// countLines reads an object of JSON lines; one that is absent has none.
func (w *world) countLines(ctx context.Context, url string, count func(line)) error {
	reader, err := w.store.Open(ctx, url, bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer reader.Close()
	scanner := batchfile.NewScanner(reader, 0)
	for scanner.Scan() {
		one := line{file: url}
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		count(one)
	}
	return scanner.Err()
}
