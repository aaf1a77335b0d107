package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func deleteScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "delete",
		Usage:     "forget a schedule; what its runs have left stays",
		ArgsUsage: "SCHEDULE",
		Description: "A run that is open goes on; nightshift cancel ends it.\n\n" +
			"Examples:\n" +
			"  nightshift schedule delete nightly-summaries\n" +
			"  nightshift schedule delete --namespace team-a nightly-summaries",
		Flags:        temporalFlags(),
		BashComplete: completeSchedules,
		Action:       runDeleteSchedule,
	}
}

func runDeleteSchedule(c *cli.Context) error {
	connected, found, err := connectToSchedule(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	id := found.id
	if err := found.handle.Delete(c.Context); err != nil {
		return fmt.Errorf("delete schedule %s: %w", id, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "schedule %s is deleted\n", id)
	if job := found.open(); job != "" {
		fmt.Fprintf(c.App.ErrWriter, "job %s is open and goes on; end it with: nightshift cancel %s\n", job, job)
	}
	return nil
}
