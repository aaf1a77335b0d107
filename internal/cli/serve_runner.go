package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/gateway"
	"github.com/nightshift-run/nightshift/jobs"
)

// batchRunner runs the gateway's batches as jobs on Temporal.
type batchRunner struct {
	client    client.Client
	store     *bucket.Store
	namespace string
	webUI     string // empty without one
}

// Start implements gateway.Runner.
func (b *batchRunner) Start(ctx context.Context, job string, spec jobs.Spec) error {
	err := Submit(ctx, b.client, job, spec)
	if errors.Is(err, errSubmittedBefore) {
		return nil
	}
	return err
}

// Cancel implements gateway.Runner.
func (b *batchRunner) Cancel(ctx context.Context, job string) error {
	err := b.client.CancelWorkflow(ctx, job, "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return nil
	}
	return err
}

// Look implements gateway.Runner.
func (b *batchRunner) Look(ctx context.Context, job string) (gateway.Sight, error) {
	description, err := b.client.DescribeWorkflowExecution(ctx, job, "")
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return gateway.Sight{}, fmt.Errorf("%s: %w", job, gateway.ErrNoJob)
	}
	if err != nil {
		return gateway.Sight{}, err
	}
	info := description.GetWorkflowExecutionInfo()
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return b.ended(ctx, job)
	}
	sight := gateway.Sight{Open: true, Cancelling: description.GetWorkflowExtendedInfo().GetCancelRequested()}
	now, err := lookInto(ctx, b.client, job, description, Snapshot{})
	if err == nil && !now.NoWorker {
		sight.Phase, sight.Phases, sight.Counts, sight.Usage, sight.Cost = now.Phase, now.Phases, now.Counts, now.Usage, now.cost()
		return sight, nil
	}
	// No worker answers: what the workflow has put into its search attributes
	// stands.
	known := jobOf(info)
	sight.Phase = jobs.Phase(known.State)
	if known.State == notTaken {
		sight.Phase = jobs.Planning
	}
	sight.Counts = jobs.Counts{Total: known.Total, Completed: known.Done - known.Failed, Failed: known.Failed}
	return sight, nil
}

// ended looks at a job whose workflow is over.
func (b *batchRunner) ended(ctx context.Context, job string) (gateway.Sight, error) {
	report, err := await(ctx, b.client, job)
	if ctx.Err() != nil {
		return gateway.Sight{}, ctx.Err()
	}
	sight := gateway.Sight{Report: report}
	if report == nil && err != nil {
		sight.Reason = err.Error()
	}
	return sight, nil
}

// peekBytes is how much of an input is looked at for its first request.
const peekBytes = 64 << 20

// Model implements gateway.Runner. What cannot be read as a request names no
// model, and the job says why.
func (b *batchRunner) Model(ctx context.Context, input string) (string, error) {
	reader, err := b.store.Open(ctx, input, bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer reader.Close()
	model, err := batchfile.FirstModel(io.LimitReader(reader, peekBytes), int(jobs.DefaultMaxLine))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", input, err)
	}
	return model, nil
}

// Problems implements gateway.Runner.
func (b *batchRunner) Problems(ctx context.Context, output, job string) ([]gateway.Problem, error) {
	reader, err := b.store.Open(ctx, activities.ProblemsURL(output, job), bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var problems []gateway.Problem
	for decoder := json.NewDecoder(reader); ; {
		var found batchfile.Problem
		switch err := decoder.Decode(&found); {
		case err == io.EOF:
			return problems, nil
		case err != nil:
			return nil, fmt.Errorf("read the problems of %s: %w", job, err)
		}
		// A batch has one file, and where it lies is nothing to its client.
		message := strings.ReplaceAll(found.Message, found.File+":", "line ")
		problem := gateway.Problem{Code: found.Code, Message: message}
		if found.Param != "" {
			problem.Param = &found.Param
		}
		if found.Line > 0 {
			problem.Line = &found.Line
		}
		problems = append(problems, problem)
	}
}

// Ready implements gateway.Runner.
func (b *batchRunner) Ready(ctx context.Context) error {
	_, err := b.client.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// Link implements gateway.Runner.
func (b *batchRunner) Link(job string) string { return WebLink(b.webUI, b.namespace, job) }
