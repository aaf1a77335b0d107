package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func backfillScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "backfill",
		Usage:     "run what a schedule would have run in the past, one after another",
		ArgsUsage: "SCHEDULE",
		Description: "Templates are filled in with the time of each run. Times are days, such as 2026-11-20, or\n" +
			"2026-11-20T02:00, in the schedule's zone; both ends belong to it, and so does all of the last\n" +
			"day. Prints the times.\n\n" +
			"Examples:\n" +
			"  nightshift schedule backfill --from 2026-11-18 --to 2026-11-20 --dry-run nightly-summaries\n" +
			"  nightshift schedule backfill --from 2026-11-18 --to 2026-11-20 nightly-summaries",
		Flags: append(temporalFlags(), jsonFlag(),
			&cli.StringFlag{Name: "from", Usage: "`TIME` of the first run, or before it", Required: true, EnvVars: []string{"NIGHTSHIFT_BACKFILL_FROM"}},
			&cli.StringFlag{Name: "to", Usage: "`TIME` of the last run, or after it", Required: true, EnvVars: []string{"NIGHTSHIFT_BACKFILL_TO"}},
			&cli.BoolFlag{Name: "dry-run", Usage: "only print the times", EnvVars: []string{"NIGHTSHIFT_DRY_RUN"}}),
		BashComplete: completeSchedules,
		Action:       runBackfillSchedule,
	}
}

func runBackfillSchedule(c *cli.Context) error {
	connected, found, err := connectToSchedule(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	id, zone := found.id, found.spec.Schedule.Zone()
	from, _, err := timeIn(zone, c.String("from"))
	if err != nil {
		return badInput(fmt.Errorf("--from %w", err))
	}
	to, day, err := timeIn(zone, c.String("to"))
	if err != nil {
		return badInput(fmt.Errorf("--to %w", err))
	}
	if day {
		to = to.AddDate(0, 0, 1).Add(-time.Second)
	}
	if to.After(time.Now()) {
		return badInput(fmt.Errorf("--to %s lies ahead; the schedule runs what is due then by itself", c.String("to")))
	}
	matching, err := connected.WorkflowService().ListScheduleMatchingTimes(c.Context, &workflowservice.ListScheduleMatchingTimesRequest{
		Namespace: connected.namespace, ScheduleId: id, StartTime: timestamppb.New(from.Add(-time.Second)), EndTime: timestamppb.New(to),
	})
	if err != nil {
		return fmt.Errorf("times of schedule %s: %w", id, err)
	}
	if len(matching.GetStartTime()) == 0 {
		return badInput(fmt.Errorf("schedule %s has no time from %s to %s", id, found.in(from), found.in(to)))
	}
	if err := printTimes(c, matching.GetStartTime(), zone); err != nil || c.Bool("dry-run") {
		return err
	}
	// One after another, whatever the schedule's overlap, which would leave out
	// all but the first.
	err = found.handle.Backfill(c.Context, client.ScheduleBackfillOptions{Backfill: []client.ScheduleBackfill{
		{Start: from, End: to, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL},
	}})
	if err != nil {
		return fmt.Errorf("backfill schedule %s: %w", id, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "runs one after another; see: nightshift schedule show %s\n", id)
	return nil
}

func printTimes(c *cli.Context, stamps []*timestamppb.Timestamp, zone *time.Location) error {
	times := make([]string, len(stamps))
	for i, stamp := range stamps {
		times[i] = stamp.AsTime().In(zone).Format(time.RFC3339)
	}
	if c.Bool("json") {
		return printJSON(c, times)
	}
	for _, at := range times {
		fmt.Fprintln(c.App.Writer, at)
	}
	return nil
}

// timeIn reads a day or a time in a zone, and says which it was.
func timeIn(zone *time.Location, text string) (at time.Time, day bool, err error) {
	if at, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return at, true, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, false, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is not a time; write it like 2026-11-20 or 2026-11-20T02:00", text)
}
