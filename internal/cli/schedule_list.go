package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/workflows"
)

func listSchedulesCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the schedules with their next and last runs, and what those came to",
		Description: "Times are in each schedule's own zone. A schedule is listed a moment after it was made.\n\n" +
			"Examples:\n" +
			"  nightshift schedule list\n" +
			"  nightshift schedule list --json | jq '.[] | select(.last.outcome == \"failed\")'",
		Flags:  append(temporalFlags(), jsonFlag()),
		Action: runListSchedules,
	}
}

// listedSchedule is a schedule in the list, and on its own page with more.
type listedSchedule struct {
	ID       string     `json:"id"`
	Times    string     `json:"times"` // as the job file has them
	TimeZone string     `json:"time_zone"`
	Paused   bool       `json:"paused"`
	Note     string     `json:"note,omitempty"` // why it is paused
	Next     time.Time  `json:"next,omitzero"`
	Last     *nightRun  `json:"last,omitempty"`
	Runs     []nightRun `json:"runs,omitempty"` // of schedule show: the newest first
}

func runListSchedules(c *cli.Context) error {
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return err
	}
	defer connected.Close()
	ids, err := scheduleIDs(c.Context, connected.Client)
	if err != nil {
		return err
	}
	all := []listedSchedule{}
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCHEDULE\tTIMES\tNEXT\tLAST\tOUTCOME\tCOST\tJOB")
	for _, id := range ids {
		found, err := findSchedule(c.Context, connected.Client, id)
		if _, gone := errors.AsType[*exitError](err); gone { // between the list and now
			continue
		}
		if err != nil {
			return err
		}
		runs, err := found.runs(c.Context, connected.Client, 1)
		if err != nil {
			return err
		}
		listed := found.listed(runs)
		all = append(all, listed)
		fmt.Fprintln(table, found.row(listed))
	}
	if c.Bool("json") {
		return printJSON(c, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(c.App.ErrWriter, "no schedules; make one with: nightshift schedule create JOB.yaml")
		return nil
	}
	return table.Flush()
}

// scheduleIDs lists nightshift's schedules of jobs, sorted: those of others, and
// nightshift's own sweep, start other workflows.
func scheduleIDs(ctx context.Context, c client.Client) ([]string, error) {
	entries, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 100})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	var ids []string
	for entries.HasNext() {
		entry, err := entries.Next()
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		if entry.WorkflowType.Name == workflows.NightlyWorkflow {
			ids = append(ids, entry.ID)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

func (s *schedule) listed(runs []nightRun) listedSchedule {
	listed := listedSchedule{
		ID: s.id, Times: s.spec.Schedule.String(), TimeZone: s.spec.Schedule.TimeZone,
		Paused: s.Schedule.State.Paused,
	}
	if listed.Paused {
		listed.Note = s.Schedule.State.Note
	}
	if next := s.Info.NextActionTimes; len(next) > 0 && !listed.Paused {
		listed.Next = next[0]
	}
	if len(runs) > 0 {
		listed.Last = &runs[0]
	}
	return listed
}

func (s *schedule) row(listed listedSchedule) string {
	next := cmp.Or(s.in(listed.Next), "never")
	if listed.Paused {
		next = "paused"
	}
	last, outcome, cost, job := "-", "-", "-", "-"
	if run := listed.Last; run != nil {
		last, outcome, job = s.in(run.For), run.Outcome, run.Job
		if !run.Cost.IsZero() {
			cost = run.Cost.String()
		}
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", listed.ID, listed.Times, next, last, outcome, cost, job)
}

// nextLine says when the schedule runs next.
func (s *schedule) nextLine() string {
	listed := s.listed(nil)
	switch {
	case listed.Paused:
		return "paused; nightshift schedule resume " + listed.ID
	case listed.Next.IsZero():
		return "no time lies ahead: it never runs by itself"
	}
	return "runs next at " + s.in(listed.Next) + " " + listed.TimeZone
}
