package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/workflows"
)

func applySchedulesCommand() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		Usage:     "make the schedules equal to a directory of job files",
		ArgsUsage: "DIR | JOB.yaml",
		Description: "Prints the difference first: + is made, ~ is changed, = is as it should be, - is in Temporal\n" +
			"only. What is in Temporal only is deleted with --prune, and kept without. Job files without a\n" +
			"schedule are left out; below DIR nothing is looked at. A problem in any file changes nothing.\n" +
			"Paused schedules stay paused. Runs that are open go on as they began.\n\n" +
			"Examples:\n" +
			"  nightshift schedule apply --dry-run jobs/\n" +
			"  nightshift schedule apply --prune jobs/\n" +
			"  nightshift schedule apply jobs/nightly.yaml",
		Flags: append(temporalFlags(),
			&cli.BoolFlag{Name: "dry-run", Usage: "only print the difference", EnvVars: []string{"NIGHTSHIFT_DRY_RUN"}},
			&cli.BoolFlag{Name: "prune", Usage: "delete schedules of jobs that are not in DIR", EnvVars: []string{"NIGHTSHIFT_PRUNE"}},
			jsonFlag()),
		Action: runApplySchedules,
	}
}

func runApplySchedules(c *cli.Context) error {
	path, err := oneArgument(c, "a directory of job files, or one job file")
	if err != nil {
		return err
	}
	wanted, whole, err := scheduledJobs(path, c.App.ErrWriter)
	if err != nil {
		return badInput(err)
	}
	if c.Bool("prune") && !whole {
		return badInput(fmt.Errorf("--prune needs a directory: by %s alone every other schedule would be deleted", path))
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return err
	}
	defer connected.Close()
	changes, err := compareSchedules(c.Context, connected.Client, wanted, whole, c.Bool("prune"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = printJSON(c, changes)
	} else {
		printChanges(c.App.Writer, changes)
	}
	if err != nil || c.Bool("dry-run") {
		return err
	}
	for _, change := range changes {
		if err := change.apply(c.Context, connected.Client); err != nil {
			return fmt.Errorf("%s schedule %s: %w", change.Do, change.ID, err)
		}
	}
	return nil
}

// What is done to a schedule.
const (
	scheduleCreated = "create"
	scheduleChanged = "change"
	scheduleKept    = "keep"   // it is as it should be
	scheduleDeleted = "delete" // it is in Temporal only
	scheduleLeft    = "leave"  // it is in Temporal only, and stays there
)

// scheduleChange is what is done to one schedule.
type scheduleChange struct {
	ID          string   `json:"id"`
	Do          string   `json:"do"`                    // create, change, keep, delete, or leave
	Differences []string `json:"differences,omitempty"` // of a change: "limits.cost: 80.00 USD -> 100.00 USD"
	Paused      bool     `json:"paused,omitempty"`

	wanted workflows.NightlyInput
}

// compareSchedules says what is to be done, in the order of the ids.
func compareSchedules(ctx context.Context, c client.Client, wanted []workflows.NightlyInput, whole, prune bool) ([]scheduleChange, error) {
	changes := []scheduleChange{}
	for _, input := range wanted {
		compared, err := compareSchedule(ctx, c, input)
		if err != nil {
			return nil, err
		}
		changes = append(changes, compared)
	}
	if !whole {
		return changes, nil
	}
	ids, err := scheduleIDs(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if slices.ContainsFunc(wanted, func(w workflows.NightlyInput) bool { return w.Schedule == id }) {
			continue
		}
		do := scheduleLeft
		if prune {
			do = scheduleDeleted
		}
		changes = append(changes, scheduleChange{ID: id, Do: do})
	}
	return changes, nil
}

// compareSchedule asks for the schedule itself, since Temporal's list of them
// is a moment late.
func compareSchedule(ctx context.Context, c client.Client, wanted workflows.NightlyInput) (scheduleChange, error) {
	compared := scheduleChange{ID: wanted.Schedule, Do: scheduleKept, wanted: wanted}
	is, err := findSchedule(ctx, c, wanted.Schedule)
	switch _, coded := errors.AsType[*exitError](err); {
	case errors.Is(err, errNotOurs):
		return compared, err
	case coded:
		compared.Do = scheduleCreated
		return compared, nil
	case err != nil:
		return compared, err
	}
	compared.Paused = is.Schedule.State.Paused
	if compared.Differences, err = is.differences(wanted); len(compared.Differences) > 0 {
		compared.Do = scheduleChanged
	}
	return compared, err
}

// apply does what is to be done. Doing it again does no harm.
func (change scheduleChange) apply(ctx context.Context, c client.Client) error {
	switch change.Do {
	case scheduleCreated:
		err := createSchedule(ctx, c, change.wanted, false)
		if errors.Is(err, temporal.ErrScheduleAlreadyRunning) { // by somebody else, since it was looked for
			return updateSchedule(ctx, c, change.wanted)
		}
		return err
	case scheduleChanged:
		return updateSchedule(ctx, c, change.wanted)
	case scheduleDeleted:
		return c.ScheduleClient().GetHandle(ctx, change.ID).Delete(ctx)
	}
	return nil
}

func printChanges(out io.Writer, changes []scheduleChange) {
	for _, one := range changes {
		note := ""
		if one.Paused {
			note = "; stays paused"
		}
		switch one.Do {
		case scheduleCreated:
			fmt.Fprintf(out, "+ %s: %s\n", one.ID, one.wanted.Spec.Schedule)
		case scheduleChanged:
			fmt.Fprintf(out, "~ %s%s\n", one.ID, note)
		case scheduleKept:
			fmt.Fprintf(out, "= %s%s\n", one.ID, note)
		case scheduleDeleted:
			fmt.Fprintf(out, "- %s\n", one.ID)
		default:
			fmt.Fprintf(out, "- %s: kept; --prune deletes it\n", one.ID)
		}
		for _, difference := range one.Differences {
			fmt.Fprintf(out, "    %s\n", difference)
		}
	}
}
