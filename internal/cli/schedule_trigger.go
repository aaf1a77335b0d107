package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/jobs"
)

func triggerScheduleCommand() *cli.Command {
	return &cli.Command{
		Name:      "trigger",
		Usage:     "run a schedule's job now, as if its time had come",
		ArgsUsage: "SCHEDULE",
		Description: "Templates are filled in with the time of the trigger. As at any other time the run is skipped\n" +
			"when nothing is new. A schedule that is paused can be triggered. Prints the job's id.\n\n" +
			"Examples:\n" +
			"  nightshift schedule trigger nightly-summaries\n" +
			"  nightshift schedule trigger --watch nightly-summaries",
		Flags:        append(temporalFlags(), jsonFlag(), &cli.BoolFlag{Name: "watch", Usage: "show the job until it ends", EnvVars: []string{"NIGHTSHIFT_WATCH"}}),
		BashComplete: completeSchedules,
		Action:       runTriggerSchedule,
	}
}

func runTriggerSchedule(c *cli.Context) error {
	connected, found, err := connectToSchedule(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	id, open := found.id, found.open()
	if open != "" && found.spec.Schedule.Overlap == jobs.OverlapSkip {
		return badInput(fmt.Errorf("job %s of schedule %s is open, and overlap: skip starts no other beside it; see: nightshift status %s", open, id, open))
	}
	if err := found.handle.Trigger(c.Context, client.ScheduleTriggerOptions{}); err != nil {
		return fmt.Errorf("trigger schedule %s: %w", id, err)
	}
	if open != "" {
		fmt.Fprintf(c.App.ErrWriter, "runs as soon as job %s has ended\n", open)
		return nil
	}
	job, err := found.awaitRun(c.Context, connected.Client)
	if err != nil {
		return err
	}
	switch {
	case c.Bool("json") && !c.Bool("watch"):
		return printJSON(c, map[string]string{"job": job, "web_ui": connected.link(job)})
	case !c.Bool("json"): // else the report comes
		fmt.Fprintln(c.App.Writer, job)
	}
	if c.Bool("watch") {
		return follow(c, connected, job)
	}
	fmt.Fprintf(c.App.ErrWriter, "follow it with: nightshift watch %s\n", job)
	return nil
}

// startLimit is how long a triggered run may take to begin: Temporal starts it
// within a second, and a worker its job when there is one.
const startLimit = 15 * time.Second

// awaitRun waits for a run that is newer than those known, and for its job to
// be there, and returns the job's id.
func (s *schedule) awaitRun(ctx context.Context, c client.Client) (job string, err error) {
	waiting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		now, err := findSchedule(waiting, c, s.id)
		if err == nil && now.Info.NumActions > s.Info.NumActions {
			newest := now.Info.RecentActions[len(now.Info.RecentActions)-1]
			job = now.jobOf(now.scheduledFor(newest), newest.StartWorkflowResult.FirstExecutionRunID)
			if _, err := c.DescribeWorkflowExecution(waiting, job, ""); err == nil {
				return job, nil
			}
		}
		select {
		case <-waiting.Done():
			if ctx.Err() != nil {
				return "", ErrInterrupted
			}
			return "", fmt.Errorf("schedule %s has not started a job in %s; is a worker running? see: nightshift schedule show %s", s.id, startLimit, s.id)
		case <-ticker.C:
		}
	}
}
