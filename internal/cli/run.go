package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/jobs"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "start a job, show its progress, print its report",
		ArgsUsage: "[JOB.yaml]",
		Description: "The job runs on nightshift's workers: interrupting this command leaves the job running\n" +
			"and says how to come back to it; interrupting it twice cancels the job. Flags come in place\n" +
			"of what the file says; a simple job needs no file. The exit code is the job's: 0 completed,\n" +
			"1 ended badly, 2 bad input, 3 completed with failed lines.\n\n" +
			"Examples:\n" +
			"  nightshift run job.yaml\n" +
			"  nightshift run --id nightly-2026-11-21 --attach job.yaml\n" +
			"  nightshift run --input s3://b/in.jsonl --output s3://b/out/ --provider nebius --model openai/gpt-oss-120b --flavor base --gpu gpu-h100-sxm --region eu-north1",
		Flags: submitFlags(),
		Action: func(c *cli.Context) error {
			connected, id, err := submitJob(c)
			if err != nil {
				return err
			}
			defer connected.Close()
			fmt.Fprintf(c.App.ErrWriter, "job %s\n", id)
			return follow(c, connected, id)
		},
	}
}

// follow shows a job's progress until it ends, prints its report and returns
// an error with the exit code that it ended with.
func follow(c *cli.Context, connected *session, id string) error {
	interrupts := catchInterrupts()
	defer interrupts.stop()
	view := NewView(c.App.ErrWriter)
	report, err := Watch(c.Context, connected.Client, id, time.Second, view.Show)
	view.Close()
	if c.Context.Err() != nil {
		return detach(c, connected, id, interrupts)
	}
	return printEnd(c, connected, id, report, err)
}

// printEnd prints the report of a job that has ended, if it left one.
func printEnd(c *cli.Context, connected *session, id string, report *jobs.Report, err error) error {
	if report != nil && c.Bool("json") {
		if err := printJSON(c, report); err != nil {
			return err
		}
		return Ending(report, err)
	}
	if report != nil {
		PrintReport(c.App.Writer, *report)
	}
	if link := connected.link(id); link != "" {
		fmt.Fprintf(c.App.ErrWriter, "\nWeb UI: %s\n", link)
	}
	return Ending(report, err)
}
