package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
)

func resumeScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "resume",
		Usage:     "let a paused schedule run again",
		ArgsUsage: "SCHEDULE",
		Description: "Runs that it missed while it was paused are not made up for; schedule backfill does that.\n\n" +
			"Examples:\n" +
			"  nightshift schedule resume nightly-summaries\n" +
			"  nightshift schedule resume --note 'the exporter works again' nightly-summaries",
		Flags:        append(temporalFlags(), &cli.StringFlag{Name: "note", Usage: "`TEXT` that says why", EnvVars: []string{"NIGHTSHIFT_SCHEDULE_NOTE"}}),
		BashComplete: completeSchedules,
		Action:       runResumeSchedule,
	}
}

func runResumeSchedule(c *cli.Context) error {
	connected, found, err := connectToSchedule(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	id := found.id
	if err := found.handle.Unpause(c.Context, client.ScheduleUnpauseOptions{Note: c.String("note")}); err != nil {
		return fmt.Errorf("resume schedule %s: %w", id, err)
	}
	found.Schedule.State.Paused = false
	fmt.Fprintf(c.App.ErrWriter, "schedule %s %s\n", id, found.nextLine())
	return nil
}
