package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/temporal"
)

func createScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "create",
		Usage:     "have a job run by itself from now on",
		ArgsUsage: "JOB.yaml",
		Description: "The schedule's id is the job's name, or the job file's where that holds a template. One that\n" +
			"exists is refused: schedule apply changes it.\n\n" +
			"Examples:\n" +
			"  nightshift schedule create examples/nightly.yaml\n" +
			"  nightshift schedule create --paused --id summaries-berlin job.yaml",
		Flags: append(temporalFlags(), jsonFlag(),
			&cli.StringFlag{Name: "id", Usage: "`ID` of the schedule", EnvVars: []string{"NIGHTSHIFT_SCHEDULE_ID"}},
			&cli.BoolFlag{Name: "paused", Usage: "do not run before it is resumed", EnvVars: []string{"NIGHTSHIFT_SCHEDULE_PAUSED"}}),
		Action: runCreateSchedule,
	}
}

func runCreateSchedule(c *cli.Context) error {
	path, err := oneArgument(c, "the job file")
	if err != nil {
		return err
	}
	input, err := scheduledJob(path, c.String("id"))
	if err != nil {
		return badInput(err)
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return err
	}
	defer connected.Close()
	err = createSchedule(c.Context, connected.Client, input, c.Bool("paused"))
	if errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return badInput(fmt.Errorf("schedule %s exists; to change it: nightshift schedule apply %s", input.Schedule, path))
	}
	if err != nil {
		return fmt.Errorf("create schedule %s: %w", input.Schedule, err)
	}
	created, err := findSchedule(c.Context, connected.Client, input.Schedule)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, created.listed(nil))
	}
	fmt.Fprintln(c.App.Writer, input.Schedule)
	fmt.Fprintf(c.App.ErrWriter, "%s\ntry it now with: nightshift schedule trigger %s\n", created.nextLine(), input.Schedule)
	return nil
}
