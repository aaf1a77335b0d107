package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func pauseCommand() *cli.Command {
	return &cli.Command{
		Name:      "pause",
		Usage:     "send nothing more until the job is resumed",
		ArgsUsage: "JOB",
		Description: "What is in flight finishes. The endpoint stays rented, AND IS BILLED, so that the job can go on\n" +
			"at once; with --release it is given back and rented again at the resume, which takes a warm-up.\n" +
			"The job's deadline goes on counting.\n\n" +
			"Examples:\n" +
			"  nightshift pause 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift pause --release 20261121-020000-nightly-summaries-k3fq",
		Flags: append(temporalFlags(), jsonFlag(),
			&cli.BoolFlag{Name: "release", Usage: "give the endpoint back; what is in flight gets seconds only"}),
		BashComplete: completeJobs,
		Action: func(c *cli.Context) error {
			return order(c, workflows.PauseUpdate, workflows.Pause{Release: c.Bool("release")})
		},
	}
}

func resumeCommand() *cli.Command {
	return &cli.Command{
		Name:      "resume",
		Usage:     "go on with a paused job",
		ArgsUsage: "JOB",
		Description: "Goes on where the pause came; an endpoint that was given back is rented again.\n\n" +
			"Examples:\n" +
			"  nightshift resume 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift resume 20261121-020000-nightly-summaries-k3fq && nightshift watch 20261121-020000-nightly-summaries-k3fq",
		Flags:        append(temporalFlags(), jsonFlag()),
		BashComplete: completeJobs,
		Action:       func(c *cli.Context) error { return order(c, workflows.ResumeUpdate) },
	}
}

// order sends a job an update and says what came of it.
func order(c *cli.Context, name string, args ...any) error {
	connected, id, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	progress, err := sendOrder(c, connected, id, name, args...)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, progress)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s\n", orderText(id, name, c.Bool("release"), progress))
	return nil
}

func sendOrder(c *cli.Context, connected *session, id, name string, args ...any) (workflows.Progress, error) {
	var progress workflows.Progress
	running, err := connected.running(c.Context, id)
	if err != nil {
		return progress, err
	}
	if !running {
		return progress, badInput(fmt.Errorf("job %s has ended; see: nightshift report %s", id, id))
	}
	handle, err := connected.UpdateWorkflow(c.Context, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(c.Context, &progress)
	}
	if refused, ok := errors.AsType[*temporal.ApplicationError](err); ok && refused.Type() == jobs.OrderRefused {
		return progress, badInput(fmt.Errorf("%s job %s: %s", name, id, refused.Message()))
	}
	if err != nil {
		return progress, fmt.Errorf("%s job %s: %w; it needs a worker: nightshift worker", name, id, err)
	}
	return progress, nil
}

// orderText says what an order means for the endpoint, and for the bill.
func orderText(id, name string, release bool, now workflows.Progress) string {
	if name == workflows.ResumeUpdate {
		return fmt.Sprintf("job %s goes on; see it with: nightshift watch %s", id, id)
	}
	text := fmt.Sprintf("job %s is paused: nothing more is sent", id)
	switch {
	case release:
		text += ", and its endpoint is given back"
	case now.Stage == workflows.Created || now.Stage == workflows.Serving:
		text += fmt.Sprintf(", and what is in flight finishes\nIts endpoint %s stays rented AND IS BILLED. Give it back with: nightshift pause --release %s", now.Rental.ID, id)
	default:
		text += ", and nothing is rented"
	}
	return text + fmt.Sprintf("\nIts deadline goes on counting: %s\nGo on with: nightshift resume %s", now.Deadline.Local().Format("2006-01-02 15:04"), id)
}
