package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func submitCommand() *cli.Command {
	return &cli.Command{
		Name:      "submit",
		Usage:     "start a job and return at once",
		ArgsUsage: "JOB.yaml",
		Description: "Prints the job's id. A worker does the rest, also when this machine is off.\n\n" +
			"Examples:\n" +
			"  nightshift submit job.yaml\n" +
			"  nightshift submit --id nightly-2026-11-21 job.yaml",
		Flags: append(temporalFlags(), idFlag()),
		Action: func(c *cli.Context) error {
			connected, id, err := submitFile(c)
			if err != nil {
				return err
			}
			defer connected.Close()
			fmt.Fprintln(c.App.Writer, id)
			fmt.Fprintf(c.App.ErrWriter, "follow it with: nightshift status %s\n", id)
			return nil
		},
	}
}

func idFlag() cli.Flag {
	return &cli.StringFlag{Name: "id", Usage: "the job's `ID` instead of a new one; the same id is never run twice"}
}

// submitFile reads the job file that is the command's argument and starts it.
func submitFile(c *cli.Context) (*session, string, error) {
	path, err := oneArgument(c, "the job file")
	if err != nil {
		return nil, "", err
	}
	spec, err := readSpec(path)
	if err != nil {
		return nil, "", badInput(err)
	}
	id := c.String("id")
	if id == "" {
		id = jobs.NewID(spec.Name, time.Now())
	}
	if err := jobs.CheckID(id); err != nil {
		return nil, "", badInput(err)
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return nil, "", err
	}
	if err := Submit(c.Context, connected.Client, id, spec); err != nil {
		connected.Close()
		return nil, "", err
	}
	return connected, id, nil
}

func readSpec(path string) (jobs.Spec, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return jobs.Spec{}, err
	}
	return jobs.Parse(path, text)
}

// Submit starts a job. An id that was used before is refused, whether that job
// runs or has ended.
func Submit(ctx context.Context, c client.Client, id string, spec jobs.Spec) error {
	options := client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                workflows.ControlQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            fmt.Sprintf("%s: %s", spec.Name, spec.Endpoint),
		StaticDetails:                            fmt.Sprintf("from %s\n\nto %s", spec.Input, spec.Output),
	}
	_, err := c.ExecuteWorkflow(ctx, options, workflows.BatchWorkflow, workflows.BatchInput{Job: id, Spec: spec})
	if _, used := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); used {
		return badInput(fmt.Errorf("job %s was submitted before; try: nightshift status %s", id, id))
	}
	if err != nil {
		return fmt.Errorf("submit job %s: %w", id, err)
	}
	return nil
}
