package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/worker"
	"github.com/nightshift-run/nightshift/workflows"
)

// temporal checks the server, its namespace, the workers and the schedule.
func (d *doctor) temporal(c *cli.Context) {
	var connected *session
	found := d.check(c.Context, "Temporal", func(context.Context) (f finding) {
		connected, f.err = connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
		if f.err == nil {
			f.detail = "answers"
		}
		return f
	})
	named := []struct {
		what  string
		check func(context.Context) finding
	}{
		{"namespace", func(ctx context.Context) finding { return connected.checkNamespace(ctx) }},
		{"search attributes", func(ctx context.Context) finding { return connected.checkAttributes(ctx) }},
		{"control worker", func(ctx context.Context) finding {
			return connected.checkPollers(ctx, workflows.ControlQueue, worker.Control, enumspb.TASK_QUEUE_TYPE_WORKFLOW, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		}},
		{"data worker", func(ctx context.Context) finding {
			return connected.checkPollers(ctx, workflows.DataQueue, worker.Data, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		}},
		{"sweep schedule", func(ctx context.Context) finding { return connected.checkSweep(ctx) }},
	}
	missing := "no Temporal"
	if found {
		defer connected.Close()
		missing = ""
	}
	for _, one := range named {
		switch {
		case missing != "":
			d.skip(one.what, missing)
		case !d.check(c.Context, one.what, one.check) && one.what == "namespace":
			missing = "no namespace" // all else is in it
		}
	}
}

func (s *session) checkNamespace(ctx context.Context) finding {
	installation, err := worker.Installation(ctx, s.Client, s.namespace)
	return finding{
		detail: fmt.Sprintf("%s; its endpoints bear the installation %s", s.namespace, installation), err: err,
		remedy: "nightshift setup --namespace " + s.namespace + ", which makes it, or set TEMPORAL_NAMESPACE",
	}
}

func (s *session) checkAttributes(ctx context.Context) finding {
	missing, err := worker.MissingSearchAttributes(ctx, s.Client, s.namespace)
	if err != nil || len(missing) == 0 {
		return finding{
			detail: fmt.Sprintf("all %d are there", len(workflows.SearchAttributes())), err: err,
			remedy: "access to the namespace's operator service for " + s.address + ", or look yourself: temporal operator search-attribute list",
		}
	}
	var names, commands []string
	for _, key := range missing {
		names = append(names, key.GetName())
		commands = append(commands, worker.AddingCommand(key, s.namespace))
	}
	return finding{
		err:    fmt.Errorf("missing: %s", strings.Join(names, ", ")),
		remedy: "start a worker, which adds them; or by hand:\n          " + strings.Join(commands, "\n          "),
	}
}

// pollEach is longer than a worker takes from one poll to the next, which is a
// minute; the server remembers workers that are gone for some minutes more.
const pollEach = 90 * time.Second

// checkPollers looks for a worker that asks for work of each of the types.
func (s *session) checkPollers(ctx context.Context, queue string, role worker.Role, types ...enumspb.TaskQueueType) finding {
	f := finding{remedy: "nightshift worker --role " + string(role)}
	for _, kind := range types {
		described, err := s.DescribeTaskQueue(ctx, queue, kind)
		if err != nil {
			f.err = fmt.Errorf("describe task queue %s: %w", queue, err)
			return f
		}
		workers := map[string]bool{}
		for _, poller := range described.GetPollers() {
			if time.Since(poller.GetLastAccessTime().AsTime()) < pollEach {
				workers[poller.GetIdentity()] = true
			}
		}
		if len(workers) == 0 {
			f.err = fmt.Errorf("nobody takes tasks from %s", queue)
			return f
		}
		f.detail = fmt.Sprintf("%d take tasks from %s", len(workers), queue)
	}
	return f
}

// checkSweep looks at the schedule and how its newest run ended.
func (s *session) checkSweep(ctx context.Context) finding {
	described, err := s.ScheduleClient().GetHandle(ctx, workflows.SweepSchedule).Describe(ctx)
	if _, absent := errors.AsType[*serviceerror.NotFound](err); absent {
		return finding{err: fmt.Errorf("%s is not installed", workflows.SweepSchedule), remedy: "start a control worker without --no-sweep"}
	}
	if err != nil {
		return finding{
			err:    fmt.Errorf("describe schedule %s: %w", workflows.SweepSchedule, err),
			remedy: fmt.Sprintf("temporal schedule describe --namespace %s --schedule-id %s", s.namespace, workflows.SweepSchedule),
		}
	}
	if state := described.Schedule.State; state.Paused {
		return finding{
			err:    fmt.Errorf("paused: %s", state.Note),
			remedy: "temporal schedule toggle --unpause --schedule-id " + workflows.SweepSchedule,
		}
	}
	every := worker.DefaultSweepEvery
	if intervals := described.Schedule.Spec.Intervals; len(intervals) > 0 {
		every = intervals[0].Every
	}
	ran, last := described.Info.CreatedAt, (*client.ScheduleWorkflowExecution)(nil)
	if recent := described.Info.RecentActions; len(recent) > 0 {
		newest := recent[len(recent)-1]
		ran, last = newest.ActualTime, newest.StartWorkflowResult
	}
	if since := time.Since(ran); since > 3*every {
		return finding{err: fmt.Errorf("it should run every %s, and last did %s ago", short(every), short(since)), remedy: "start a control worker, and look at Temporal's own workers"}
	}
	if last == nil {
		return finding{detail: fmt.Sprintf("every %s, not run yet", short(every))}
	}
	return s.lastSweep(ctx, *last, fmt.Sprintf("every %s, last %s ago", short(every), short(time.Since(ran))))
}

func (s *session) lastSweep(ctx context.Context, last client.ScheduleWorkflowExecution, detail string) finding {
	remedy := fmt.Sprintf("temporal workflow show --namespace %s --workflow-id %s", s.namespace, last.WorkflowID)
	run, err := s.DescribeWorkflowExecution(ctx, last.WorkflowID, last.FirstExecutionRunID)
	if err != nil {
		return finding{err: fmt.Errorf("describe the newest run %s: %w", last.WorkflowID, err), remedy: remedy}
	}
	status := run.GetWorkflowExecutionInfo().GetStatus()
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return finding{detail: fmt.Sprintf("%s, %s", detail, strings.ToLower(status.String()))}
	}
	if link := WebLink(s.webUI, s.namespace, last.WorkflowID); link != "" {
		remedy = link
	}
	return finding{err: fmt.Errorf("its newest run %s is %s", last.WorkflowID, strings.ToLower(status.String())), remedy: remedy}
}
