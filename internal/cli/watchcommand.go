package cli

import "github.com/urfave/cli/v2"

func watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "show a job's progress until it ends, then its report",
		ArgsUsage: "JOB",
		Description: "Interrupting it leaves the job running; interrupting it twice cancels the job. The exit code\n" +
			"is the job's: 0 completed, 1 ended badly, 2 bad input, 3 completed with failed lines.\n\n" +
			"Examples:\n" +
			"  nightshift watch 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift watch --json 20261121-020000-nightly-summaries-k3fq",
		Flags:        append(temporalFlags(), jsonFlag()),
		BashComplete: completeJobs,
		Action: func(c *cli.Context) error {
			connected, id, err := connectToJob(c)
			if err != nil {
				return err
			}
			defer connected.Close()
			if _, err := connected.DescribeWorkflowExecution(c.Context, id, ""); err != nil {
				return unknownJob(id, err)
			}
			return follow(c, connected, id)
		},
	}
}
