package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/activities"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "print the report of a job that has ended",
		ArgsUsage: "JOB",
		Description: "JOB is a job's id, or its output, beside whose results the same report lies as report.json; that\n" +
			"needs no Temporal server, and is there when Temporal has forgotten the job. The exit code is the\n" +
			"job's: 0 completed, 1 ended badly, 2 bad input, 3 completed with failed lines.\n\n" +
			"Examples:\n" +
			"  nightshift report 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift report s3://my-bucket/answers/\n" +
			"  nightshift report --json 20261121-020000-nightly-summaries-k3fq | jq .cost",
		Flags:        append(slices.Concat(temporalFlags(), storeFlags()), jsonFlag()),
		BashComplete: completeJobs,
		Action:       showReport,
	}
}

func showReport(c *cli.Context) error {
	if output := c.Args().First(); strings.Contains(output, "://") && c.NArg() == 1 {
		return showWrittenReport(c, output)
	}
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
		return unreported(id, err)
	}
	return printEnd(c, connected, id, report, err)
}

// showWrittenReport prints the report that lies beside a job's results. The
// output of a job is a prefix; its report.json may be named as well.
func showWrittenReport(c *cli.Context, output string) error {
	store, err := openStore(c.Context, c)
	if err != nil {
		return badInput(err)
	}
	reading := &activities.Reading{Store: store, Output: strings.TrimSuffix(output, "report.json")}
	report, err := reading.Report(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = printJSON(c, report)
	} else {
		PrintReport(c.App.Writer, report)
	}
	if err != nil {
		return err
	}
	return endingOf(report)
}
