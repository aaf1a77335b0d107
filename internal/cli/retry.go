package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/submitted"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func retryCommand() *cli.Command {
	return &cli.Command{
		Name:      "retry",
		Usage:     "run what failed, expired or was cancelled of a job",
		ArgsUsage: "JOB",
		Description: "Starts a new job with the same input, output and endpoint, which reuses the earlier job's\n" +
			"answers and sends the rest. The earlier results stay until the new ones take their place.\n" +
			"Prints the new job's id.\n\n" +
			"Examples:\n" +
			"  nightshift retry 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift retry --watch 20261121-020000-nightly-summaries-k3fq",
		Flags:        append(temporalFlags(), jsonFlag(), &cli.StringFlag{Name: "id", Usage: "the new job's `ID` instead of a new one"}, &cli.BoolFlag{Name: "watch", Usage: "show the new job's progress and print its report, as run does"}),
		BashComplete: completeJobs,
		Action:       retryJob,
	}
}

func retryJob(c *cli.Context) error {
	connected, earlier, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	spec, err := connected.specToRetry(c.Context, earlier)
	if err != nil {
		return err
	}
	id := c.String("id")
	if id == "" {
		id = jobs.NewID(spec.Name, time.Now())
	}
	if err := jobs.CheckID(id); err != nil {
		return badInput(err)
	}
	if err := Submit(c.Context, connected.Client, id, spec); err != nil {
		return err
	}
	progress, err := awaitPlanned(c.Context, connected.Client, id)
	if err != nil {
		return err
	}
	if c.Bool("json") && !c.Bool("watch") {
		return printJSON(c, retried{Job: id, Total: progress.Counts.Total, Reused: progress.Counts.Reused})
	}
	if !c.Bool("json") { // else the report comes
		fmt.Fprintln(c.App.Writer, id)
	}
	if counts := progress.Counts; counts.Total > 0 {
		fmt.Fprintf(c.App.ErrWriter, "%s of %s answers are reused, %s requests are sent\n",
			grouped(counts.Reused), grouped(counts.Total), grouped(counts.Total-counts.Reused))
	}
	if c.Bool("watch") {
		return follow(c, connected, id)
	}
	fmt.Fprintf(c.App.ErrWriter, "follow it with: nightshift watch %s\n", id)
	return nil
}

// retried is what --json prints of the new job, unless its report is waited for.
type retried struct {
	Job    string `json:"job"`
	Total  int64  `json:"total"`  // 0 while they are not counted
	Reused int64  `json:"reused"` // answers of the earlier job
}

// specToRetry is the spec of a job that goes on from an earlier one. What still
// runs, or lacks nothing, is refused.
func (s *session) specToRetry(ctx context.Context, earlier string) (jobs.Spec, error) {
	open, err := s.isOpen(ctx, earlier)
	if err != nil {
		return jobs.Spec{}, err
	}
	if open {
		return jobs.Spec{}, badInput(fmt.Errorf("job %s is still running; wait for its end with: nightshift watch %s, or cancel it first", earlier, earlier))
	}
	input, err := submitted.Input(ctx, s.Client, earlier)
	if err != nil {
		return jobs.Spec{}, err
	}
	spec := input.Spec
	spec.ResumeFrom = jobs.URLs{earlier}
	// How it ended is of no interest here, only what it left.
	report, _ := await(ctx, s.Client, earlier)
	switch {
	case report == nil: // terminated: nobody knows how far it came
	case report.Counts.Total == 0: // it never got as far as a plan
		spec.ResumeFrom = input.Spec.ResumeFrom
	case report.Outcome == jobs.Completed && report.Counts.Failed+report.Counts.NeverRan == 0:
		return jobs.Spec{}, badInput(fmt.Errorf("job %s has an answer for each of its %s requests: there is nothing to retry", earlier, grouped(report.Counts.Total)))
	}
	return spec, nil
}

// isOpen reports whether a job runs.
func (s *session) isOpen(ctx context.Context, job string) (bool, error) {
	description, err := s.DescribeWorkflowExecution(ctx, job, "")
	if err != nil {
		return false, unknownJob(job, err)
	}
	return description.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// How long a new job is waited for: until it has claimed its output, which takes
// a fraction of a second where there is a worker, and until it is planned.
const (
	claimPatience = 5 * time.Second
	planPatience  = 10 * time.Minute
	awaitEvery    = 100 * time.Millisecond
)

// awaitClaim returns an error if the job ends without getting its output. A job
// that no worker has taken up by then is left to itself.
func awaitClaim(ctx context.Context, c client.Client, id string) error {
	_, err := awaitProgress(ctx, c, id, claimPatience, func(p workflows.Progress) bool { return p.Claimed })
	return err
}

// awaitPlanned waits until the job knows what it has to send.
func awaitPlanned(ctx context.Context, c client.Client, id string) (workflows.Progress, error) {
	return awaitProgress(ctx, c, id, planPatience, func(p workflows.Progress) bool { return p.Claimed && p.Phase != jobs.Planning && p.Phase != jobs.Ended })
}

// awaitProgress asks a job how it is until that is as wanted or patience is
// over, and returns the latest answer. The error is that of a job which ended
// before.
func awaitProgress(ctx context.Context, c client.Client, id string, patience time.Duration, wanted func(workflows.Progress) bool) (latest workflows.Progress, err error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- refusal(waiting, c, id) }()
	ticker := time.NewTicker(awaitEvery)
	defer ticker.Stop()
	for {
		asking, stop := context.WithTimeout(waiting, queryTimeout)
		if answer, err := c.QueryWorkflow(asking, id, "", workflows.ProgressQuery); err == nil {
			latest = workflows.Progress{} // what the answer leaves out is zero
			_ = answer.Get(&latest)
		}
		stop()
		if wanted(latest) {
			return latest, nil
		}
		select {
		case err := <-ended:
			return latest, err
		case <-waiting.Done():
			if ctx.Err() != nil {
				return latest, ErrInterrupted
			}
			return latest, nil
		case <-ticker.C:
		}
	}
}

// refusal waits for the job's end and returns why it ended badly, if so.
func refusal(ctx context.Context, c client.Client, id string) error {
	report, err := await(ctx, c, id)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	if report == nil {
		return err
	}
	ending := Ending(report, err)
	if coded, ok := errors.AsType[*exitError](ending); ok {
		return &exitError{coded.code, fmt.Errorf("job %s: %s", id, report.Reason)}
	}
	return ending
}
