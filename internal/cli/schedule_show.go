package cli

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
)

func showScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a schedule: its times, its newest runs, and what came of them",
		ArgsUsage: "SCHEDULE",
		Description: "Examples:\n" +
			"  nightshift schedule show nightly-summaries\n" +
			"  nightshift schedule show --json nightly-summaries | jq '.runs[0].reason'",
		Flags:        append(temporalFlags(), jsonFlag()),
		BashComplete: completeSchedules,
		Action:       runShowSchedule,
	}
}

// shownRuns is how many runs are shown: as many as Temporal remembers.
const shownRuns = 10

func runShowSchedule(c *cli.Context) error {
	connected, found, err := connectToSchedule(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	runs, err := found.runs(c.Context, connected.Client, shownRuns)
	if err != nil {
		return err
	}
	listed := found.listed(runs)
	if c.Bool("json") {
		listed.Runs = runs
		return printJSON(c, listed)
	}
	printSchedule(c, found, listed)
	printRuns(c, found, runs)
	return nil
}

func printSchedule(c *cli.Context, s *schedule, listed listedSchedule) {
	policy := s.Schedule.Policy
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("schedule", "%s", listed.ID)
	row("times", "%s", listed.Times)
	if listed.Paused {
		why, _, _ := strings.Cut(listed.Note, "\n") // the whole of it stands below the runs
		row("paused", "%s", cmp.Or(why, "by hand"))
	} else {
		for i, next := range s.Info.NextActionTimes[:min(3, len(s.Info.NextActionTimes))] {
			row(map[bool]string{true: "next", false: ""}[i == 0], "%s %s", s.in(next), listed.TimeZone)
		}
	}
	row("input", "%s", strings.Join(s.spec.Input, ", "))
	row("output", "%s", s.spec.Output)
	row("endpoint", "%s", s.spec.Choices()[0])
	row("overlap", "%s, catches up %s", s.spec.Schedule.Overlap, short(policy.CatchupWindow))
	row("so far", "%s, %d not started since another was open, %d missed", countOf(int64(s.Info.NumActions), "run"), s.Info.NumActionsSkippedOverlap, s.Info.NumActionsMissedCatchupWindow)
	table.Flush()
}

func printRuns(c *cli.Context, s *schedule, runs []nightRun) {
	if len(runs) == 0 {
		return
	}
	fmt.Fprintln(c.App.Writer)
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FOR\tOUTCOME\tTOOK\tCOMPLETED\tFAILED\tCOST\tJOB")
	for _, run := range runs {
		took, cost := "-", "-"
		if !run.Finished.IsZero() {
			took = short(run.Finished.Sub(run.Started).Round(time.Millisecond))
		}
		if !run.Cost.IsZero() {
			cost = run.Cost.String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.in(run.For), run.Outcome, took,
			grouped(run.Counts.Completed), grouped(run.Counts.Failed), cost, run.Job)
	}
	table.Flush()
	if reason := runs[0].Reason; reason != "" {
		fmt.Fprintf(c.App.Writer, "\nlast: %s\n", reason)
	}
}
