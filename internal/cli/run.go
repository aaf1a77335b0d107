package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "start a job, show its progress, print its report",
		ArgsUsage: "JOB.yaml",
		Description: "The job runs on nightshift's workers: interrupting this command leaves the job running\n" +
			"and says how to come back to it. The exit code is the job's: 0 completed, 1 ended badly,\n" +
			"2 bad input.\n\n" +
			"Examples:\n" +
			"  nightshift run job.yaml\n" +
			"  nightshift run --id nightly-2026-11-21 job.yaml",
		Flags: append(temporalFlags(), idFlag()),
		Action: func(c *cli.Context) error {
			connected, id, err := submitFile(c)
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
	view := NewView(c.App.ErrWriter)
	report, err := Watch(c.Context, connected.Client, id, time.Second, view.Show)
	view.Close()
	if c.Context.Err() != nil {
		fmt.Fprintf(c.App.ErrWriter, "\nThe job goes on. See it with: nightshift status %s\nEnd it with: nightshift cancel %s\n", id, id)
		return ErrInterrupted
	}
	if report != nil {
		PrintReport(c.App.Writer, *report)
	}
	if link := WebLink(connected.webUI, connected.namespace, id); link != "" {
		fmt.Fprintf(c.App.ErrWriter, "\nWeb UI: %s\n", link)
	}
	return Ending(report, err)
}
