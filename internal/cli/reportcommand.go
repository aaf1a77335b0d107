package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "print the report of a job that has ended",
		ArgsUsage: "JOB",
		Description: "The same report lies beside the results, as report.json. The exit code is the job's: 0 completed,\n" +
			"1 ended badly, 2 bad input, 3 completed with failed lines.\n\n" +
			"Examples:\n" +
			"  nightshift report 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift report --json 20261121-020000-nightly-summaries-k3fq | jq .cost",
		Flags:        append(temporalFlags(), jsonFlag()),
		BashComplete: completeJobs,
		Action:       showReport,
	}
}

func showReport(c *cli.Context) error {
	connected, id, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	running, err := connected.running(c.Context, id)
	if err != nil {
		return err
	}
	if running {
		return badInput(fmt.Errorf("job %s has not ended; see it with: nightshift watch %s", id, id))
	}
	report, err := await(c.Context, connected.Client, id)
	if report == nil {
		return fmt.Errorf("job %s left no report: %w", id, err)
	}
	return printEnd(c, connected, id, report, err)
}
