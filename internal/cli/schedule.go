package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// scheduleCommand holds what works on schedules: jobs that run by themselves.
func scheduleCommand() *cli.Command {
	return &cli.Command{
		Name:  "schedule",
		Usage: "have jobs run by themselves, each night or whenever their job files say",
		Description: "A schedule is made of a job file with a part schedule:, and lives in Temporal, not on this\n" +
			"machine. Keep the files and apply them: that also brings schedules back after Temporal's\n" +
			"database was lost.\n\n" +
			"Examples:\n" +
			"  nightshift schedule apply --dry-run jobs/\n" +
			"  nightshift schedule list",
		Subcommands: []*cli.Command{
			createScheduleCommand(), applySchedulesCommand(), listSchedulesCommand(), showScheduleCommand(), pauseScheduleCommand(),
			resumeScheduleCommand(), triggerScheduleCommand(), backfillScheduleCommand(), deleteScheduleCommand(),
		},
	}
}

// connectToSchedule connects for the schedule whose id is the command's
// argument.
func connectToSchedule(c *cli.Context) (*session, *schedule, error) {
	if c.NArg() != 1 {
		return nil, nil, badInput(fmt.Errorf("schedule %s takes one argument, the schedule's id; see: nightshift schedule list", c.Command.Name))
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return nil, nil, err
	}
	found, err := findSchedule(c.Context, connected.Client, c.Args().First())
	if err != nil {
		connected.Close()
		return nil, nil, err
	}
	return connected, found, nil
}

// scheduledJob reads a job file that has a schedule.
func scheduledJob(path, id string) (workflows.NightlyInput, error) {
	spec, err := readSpec(path)
	if err != nil {
		return workflows.NightlyInput{}, err
	}
	if spec.Schedule.IsZero() {
		return workflows.NightlyInput{}, fmt.Errorf("%s has no schedule; add one, such as schedule: {cron: \"0 2 * * *\", time_zone: Europe/Berlin}", path)
	}
	if id == "" {
		id = jobs.ScheduleID(path, spec)
	}
	if id == workflows.SweepSchedule {
		return workflows.NightlyInput{}, fmt.Errorf("%s: the schedule %s is nightshift's own; call this one otherwise", path, id)
	}
	return workflows.NightlyInput{Schedule: id, Spec: spec}, jobs.CheckScheduleID(id)
}

// errNotOurs says that a schedule is none of nightshift's jobs.
var errNotOurs = errors.New("is not one of nightshift's jobs, and is left alone")
