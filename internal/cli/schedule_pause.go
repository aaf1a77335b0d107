package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
)

func pauseScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "pause",
		Usage:     "start no further runs until the schedule is resumed",
		ArgsUsage: "SCHEDULE",
		Description: "A run that is open goes on; nightshift cancel ends it.\n\n" +
			"Examples:\n" +
			"  nightshift schedule pause nightly-summaries\n" +
			"  nightshift schedule pause --note 'the exporter is broken' nightly-summaries",
		Flags:        append(temporalFlags(), &cli.StringFlag{Name: "note", Usage: "`TEXT` that says why", Value: "paused by hand", EnvVars: []string{"NIGHTSHIFT_SCHEDULE_NOTE"}}),
		BashComplete: completeSchedules,
		Action:       runPauseSchedule,
	}
}

func runPauseSchedule(c *cli.Context) error {
	connected, found, err := connectToSchedule(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	id := found.id
	if err := found.handle.Pause(c.Context, client.SchedulePauseOptions{Note: c.String("note")}); err != nil {
		return fmt.Errorf("pause schedule %s: %w", id, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "schedule %s is paused; nightshift schedule resume %s\n", id, id)
	if job := found.open(); job != "" {
		fmt.Fprintf(c.App.ErrWriter, "job %s is open and goes on; end it with: nightshift cancel %s\n", job, job)
	}
	return nil
}
