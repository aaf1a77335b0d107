package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func cancelCommand() *cli.Command {
	return &cli.Command{
		Name:      "cancel",
		Usage:     "end a job early: keep what is answered, give the GPU back",
		ArgsUsage: "JOB",
		Description: "Returns when the request is with Temporal; the job then releases its endpoint and\n" +
			"assembles its results. With --wait it returns when that is done.\n\n" +
			"Examples:\n" +
			"  nightshift cancel 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift cancel --wait 20261121-020000-nightly-summaries-k3fq",
		Flags: append(temporalFlags(), jsonFlag(),
			&cli.BoolFlag{Name: "wait", Usage: "wait until the endpoint is off and the results are written"}),
		BashComplete: completeJobs,
		Action:       cancelJob,
	}
}

func cancelJob(c *cli.Context) error {
	connected, id, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	if err := connected.CancelWorkflow(c.Context, id, ""); err != nil {
		return unknownJob(id, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "asked job %s to end\n", id)
	if c.Bool("wait") {
		return follow(c, connected, id)
	}
	if c.Bool("json") {
		return printJSON(c, map[string]string{"job": id, "web_ui": connected.link(id)})
	}
	return nil
}
