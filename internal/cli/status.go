package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "say what a job is doing, or what came of it",
		ArgsUsage: "JOB",
		Description: "The exit code is the job's once it has ended: 0 completed, 1 ended badly, 2 bad input.\n\n" +
			"Examples:\n" +
			"  nightshift status 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift status --watch 20261121-020000-nightly-summaries-k3fq",
		Flags:  append(temporalFlags(), &cli.BoolFlag{Name: "watch", Usage: "go on until the job ends"}),
		Action: showStatus,
	}
}

func showStatus(c *cli.Context) error {
	connected, id, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	description, err := connected.DescribeWorkflowExecution(c.Context, id, "")
	if err != nil {
		return unknownJob(id, err)
	}
	open := description.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	if open && !c.Bool("watch") {
		snapshot, err := look(c.Context, connected.Client, id, Snapshot{})
		if err != nil {
			return err
		}
		view := NewView(c.App.Writer)
		view.began = description.GetWorkflowExecutionInfo().GetStartTime().AsTime()
		view.rate.add(snapshot)
		fmt.Fprintln(c.App.Writer, view.line(snapshot))
		fmt.Fprintf(c.App.ErrWriter, "deadline %s\n", snapshot.Deadline.Local().Format(time.DateTime))
		return nil
	}
	return follow(c, connected, id)
}

// connectToJob connects for the job whose id is the command's argument.
func connectToJob(c *cli.Context) (*session, string, error) {
	id, err := oneArgument(c, "the job's id")
	if err != nil {
		return nil, "", err
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	return connected, id, err
}

// unknownJob explains an id that the server does not know.
func unknownJob(id string, err error) error {
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return badInput(fmt.Errorf("no job %s on this server; a job that ended longer ago than the namespace's retention is forgotten, its report.json is not", id))
	}
	return err
}
