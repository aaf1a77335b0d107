package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
		Usage:     "start a job and return as soon as its output is its own",
		ArgsUsage: "[JOB.yaml]",
		Description: "Prints the job's id. A worker does the rest, also when this machine is off.\n" +
			"Flags come in place of what the file says; a simple job needs no file.\n\n" +
			"Examples:\n" +
			"  nightshift submit job.yaml\n" +
			"  nightshift submit --id nightly-2026-11-21 --attach job.yaml\n" +
			"  nightshift submit --deadline 2h --cost '20 USD' job.yaml",
		Flags: submitFlags(),
		Action: func(c *cli.Context) error {
			connected, id, err := submitJob(c)
			if err != nil {
				return err
			}
			defer connected.Close()
			if err := awaitClaim(c.Context, connected.Client, id); err != nil {
				return err
			}
			if c.Bool("json") {
				return printJSON(c, map[string]string{"job": id, "web_ui": connected.link(id)})
			}
			fmt.Fprintln(c.App.Writer, id)
			fmt.Fprintf(c.App.ErrWriter, "follow it with: nightshift watch %s\n", id)
			return nil
		},
	}
}

// submitFlags are those of commands that start a job.
func submitFlags() []cli.Flag {
	return slices.Concat(temporalFlags(), []cli.Flag{
		&cli.StringFlag{Name: "id", Usage: "the job's `ID` instead of a new one; the same id is never run twice", EnvVars: []string{"NIGHTSHIFT_JOB_ID"}},
		&cli.BoolFlag{Name: "attach", Usage: "with --id: if that job was submitted before, go on with it instead of refusing", EnvVars: []string{"NIGHTSHIFT_ATTACH"}},
		jsonFlag(),
	}, jobFlagsOf())
}

// submitJob starts the job that the file and the flags describe.
func submitJob(c *cli.Context) (*session, string, error) {
	spec, err := readJob(c)
	if err != nil {
		return nil, "", err
	}
	id, spec, err := submission(spec, c.String("id"), time.Now())
	if err != nil {
		return nil, "", badInput(err)
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return nil, "", err
	}
	err = Submit(c.Context, connected.Client, id, spec)
	if errors.Is(err, errSubmittedBefore) && c.Bool("attach") {
		fmt.Fprintf(c.App.ErrWriter, "job %s was submitted before: going on with that one\n", id)
		return connected, id, nil
	}
	if err != nil {
		connected.Close()
		return nil, "", err
	}
	return connected, id, nil
}

// errSubmittedBefore is of an id that was used before.
var errSubmittedBefore = errors.New("was submitted before")

// submission is what a job file means now: the job's id, a new one unless it
// is given, and the spec with its templates filled in.
func submission(spec jobs.Spec, id string, now time.Time) (string, jobs.Spec, error) {
	moment := jobs.Moment{Time: now.In(spec.Schedule.Zone()), Job: id}
	if id == "" {
		name, err := spec.NameAt(moment)
		if err != nil {
			return "", jobs.Spec{}, err
		}
		moment.Job = jobs.NewID(name, now)
	}
	if err := jobs.CheckID(moment.Job); err != nil {
		return "", jobs.Spec{}, err
	}
	spec, err := spec.At(moment)
	spec.Schedule = jobs.Schedule{} // this is a job of its own
	return moment.Job, spec, err
}

// Submit starts a job. An id that was used before is refused, whether that job
// runs or has ended, for as long as Temporal remembers it: the retention of its
// namespace.
func Submit(ctx context.Context, c client.Client, id string, spec jobs.Spec) error {
	options := client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                workflows.ControlQueue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            workflows.Summary(spec),
		StaticDetails:                            workflows.Details(spec),
	}
	_, err := c.ExecuteWorkflow(ctx, options, workflows.BatchWorkflow, workflows.BatchInput{Job: id, Spec: spec})
	if _, used := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); used {
		return badInput(fmt.Errorf("job %s %w; see it with: nightshift watch %s, or go on with it: --attach", id, errSubmittedBefore, id))
	}
	if err != nil {
		return fmt.Errorf("submit job %s: %w", id, err)
	}
	return nil
}
