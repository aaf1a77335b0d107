package cli

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list jobs: open ones first, then those that ended last",
		Description: "Jobs that ended longer ago than the namespace's retention are forgotten; their report.json is not.\n" +
			"A job shows up here a moment after it was submitted.\n\n" +
			"Examples:\n" +
			"  nightshift list\n" +
			"  nightshift list --state open --provider nebius\n" +
			"  nightshift list --since 7d --state failed --json | jq -r '.[].job'",
		Flags: append(temporalFlags(), jsonFlag(),
			&cli.StringFlag{Name: "state", Usage: "only jobs in this `STATE`: " + joinStates()},
			&cli.StringFlag{Name: "provider", Usage: "only jobs of this `PROVIDER`"},
			&cli.StringFlag{Name: "model", Usage: "only jobs of this `MODEL`"},
			&cli.StringFlag{Name: "name", Usage: "only jobs of this `NAME`"},
			&cli.StringFlag{Name: "since", Usage: "only jobs submitted since then: `TIME` ago (36h, 7d), or a date"},
			&cli.IntFlag{Name: "limit", Usage: "at most `N` jobs", Value: 50},
		),
		Action: listJobs,
	}
}

// listedJob is a job in the list. In JSON, what is not known is left out.
type listedJob struct {
	Job      string    `json:"job"`
	Name     string    `json:"name,omitempty"`
	State    string    `json:"state"` // as of --state
	Provider string    `json:"provider,omitempty"`
	Model    string    `json:"model,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"` // the provider's id of the newest one
	Total    int64     `json:"total"`
	Done     int64     `json:"done"`
	Failed   int64     `json:"failed"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended,omitzero"`
}

func listJobs(c *cli.Context) error {
	query, err := queryOf(c)
	if err != nil {
		return badInput(err)
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	if err != nil {
		return err
	}
	defer connected.Close()
	found, more, err := connected.find(c.Context, query, c.Int("limit"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, found)
	}
	printJobs(c, found)
	if more {
		fmt.Fprintf(c.App.ErrWriter, "there are more: --limit %d\n", 2*c.Int("limit"))
	}
	return nil
}

// find lists at most limit jobs that a visibility query matches, and reports
// whether there are more. Of a job that was reset, the newest run stands.
func (s *session) find(ctx context.Context, query string, limit int) (found []listedJob, more bool, err error) {
	found = []listedJob{}
	request := &workflowservice.ListWorkflowExecutionsRequest{Namespace: s.namespace, Query: query, PageSize: int32(min(limit+1, 1000))}
	seen := map[string]bool{} // at most limit
	for {
		page, err := s.ListWorkflow(ctx, request)
		if err != nil {
			return nil, false, fmt.Errorf("list jobs: %w; search attributes are added by a worker when it starts, and checked by: nightshift doctor", err)
		}
		for _, execution := range page.GetExecutions() {
			id := execution.GetExecution().GetWorkflowId()
			if seen[id] {
				continue
			}
			if len(found) == limit {
				return found, true, nil
			}
			seen[id] = true
			found = append(found, jobOf(execution))
		}
		if request.NextPageToken = page.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return found, false, nil
		}
	}
}

func jobOf(execution *workflowpb.WorkflowExecutionInfo) listedJob {
	job := listedJob{Job: execution.GetExecution().GetWorkflowId(), Started: execution.GetStartTime().AsTime()}
	if execution.GetCloseTime() != nil {
		job.Ended = execution.GetCloseTime().AsTime()
	}
	for key, into := range map[temporal.SearchAttributeKey]any{
		workflows.JobAttribute: &job.Name, workflows.PhaseAttribute: &job.State, workflows.ProviderAttribute: &job.Provider,
		workflows.ModelAttribute: &job.Model, workflows.EndpointAttribute: &job.Endpoint,
		workflows.TotalAttribute: &job.Total, workflows.DoneAttribute: &job.Done, workflows.FailedAttribute: &job.Failed,
	} {
		payload := execution.GetSearchAttributes().GetIndexedFields()[key.GetName()]
		if payload != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(payload, into) // not known then
		}
	}
	job.State = stateOf(execution.GetStatus(), job.State)
	return job
}

// notTaken is the state of a job that no worker has taken up.
const notTaken = "submitted"

// stateOf is a job's phase while it runs, and then how it ended. A workflow
// that was ended from outside did not get to write that down.
func stateOf(status enumspb.WorkflowExecutionStatus, phase string) string {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING:
		if phase == "" {
			return notTaken
		}
		return phase
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		if phase == string(jobs.Skipped) {
			return phase
		}
		return string(jobs.Completed)
	case enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return string(jobs.Cancelled)
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED:
		return "terminated"
	case enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return "timed-out"
	}
	if phase == string(jobs.Expired) {
		return phase
	}
	return string(jobs.Failed)
}

func printJobs(c *cli.Context, found []listedJob) {
	if len(found) == 0 {
		fmt.Fprintln(c.App.ErrWriter, "no jobs")
		return
	}
	table := newTable(c)
	fmt.Fprintln(table, "JOB\tSTATE\tDONE\tFAILED\tPROVIDER\tMODEL\tSUBMITTED\tTOOK")
	for _, job := range found {
		end := job.Ended
		if end.IsZero() {
			end = time.Now()
		}
		done := "-"
		if job.Total > 0 {
			done = grouped(job.Done) + "/" + grouped(job.Total)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", job.Job, job.State, done, grouped(job.Failed),
			shown(job.Provider), shown(job.Model), job.Started.Local().Format(time.DateTime), short(end.Sub(job.Started)))
	}
	table.Flush()
}
