package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"

	"github.com/nightshift-run/nightshift/jobs"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "say what a job is doing, or what came of it",
		ArgsUsage: "JOB",
		Description: "The exit code is the job's once it has ended: 0 completed, 1 ended badly, 2 bad input,\n" +
			"3 completed with failed lines.\n\n" +
			"Examples:\n" +
			"  nightshift status 20261121-020000-nightly-summaries-k3fq\n" +
			"  nightshift status --json 20261121-020000-nightly-summaries-k3fq | jq .done\n" +
			"  nightshift status --watch 20261121-020000-nightly-summaries-k3fq",
		Flags:        append(temporalFlags(), jsonFlag(), &cli.BoolFlag{Name: "watch", Usage: "go on until the job ends, as nightshift watch does"}),
		BashComplete: completeJobs,
		Action:       showStatus,
	}
}

func showStatus(c *cli.Context) error {
	connected, id, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	description, err := connected.DescribeWorkflowExecution(c.Context, id, "")
	if err != nil {
		return unknownJob(id, err)
	}
	open := description.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	if !open || c.Bool("watch") {
		return follow(c, connected, id)
	}
	snapshot, err := look(c.Context, connected.Client, id, Snapshot{})
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, statusOf(snapshot, id, connected.link(id)))
	}
	view := NewView(c.App.Writer)
	view.began = description.GetWorkflowExecutionInfo().GetStartTime().AsTime()
	view.rate.add(snapshot)
	fmt.Fprintln(c.App.Writer, view.line(snapshot))
	if !snapshot.Deadline.IsZero() {
		fmt.Fprintf(c.App.ErrWriter, "deadline %s\n", snapshot.Deadline.Local().Format(time.DateTime))
	}
	if link := connected.link(id); link != "" {
		fmt.Fprintf(c.App.ErrWriter, "Web UI: %s\n", link)
	}
	return nil
}

// status is what --json prints of a job that has not ended.
type status struct {
	Job        string     `json:"job"`
	Phase      jobs.Phase `json:"phase"`
	Total      int64      `json:"total"`
	Done       int64      `json:"done"`
	Failed     int64      `json:"failed"`
	Tokens     int64      `json:"tokens"` // in and out
	InFlight   int        `json:"in_flight"`
	Paused     bool       `json:"paused"`
	Provider   string     `json:"provider,omitempty"`
	Endpoint   string     `json:"endpoint,omitempty"`       // the provider's id
	State      string     `json:"endpoint_state,omitempty"` // in the provider's words
	GPUSeconds float64    `json:"gpu_seconds"`              // billed so far, all rentals
	Cost       jobs.Money `json:"cost,omitzero"`            // so far; absent when a price is not known
	Deadline   time.Time  `json:"deadline,omitzero"`
	Retried    string     `json:"retried,omitempty"` // what is being tried again, and why
	NoWorker   bool       `json:"no_worker"`         // nobody answers for the job: what is above may be old or missing
	WebUI      string     `json:"web_ui,omitempty"`
}

func statusOf(s Snapshot, id, link string) status {
	return status{
		Job: id, Phase: s.Phase, Total: s.Counts.Total, Done: s.Counts.Done(), Failed: s.Counts.Failed, Tokens: s.Tokens, InFlight: s.InFlight,
		Paused: s.Paused, Provider: s.Rental.Provider, Endpoint: s.Rental.ID, State: s.Endpoint,
		GPUSeconds: s.billed().Seconds(), Cost: s.cost(), Deadline: s.Deadline, Retried: s.Retried, NoWorker: s.NoWorker, WebUI: link,
	}
}

// connectToJob connects for the job whose id is the command's argument.
func connectToJob(c *cli.Context) (*session, string, error) {
	id, err := oneArgument(c, "the job's id")
	if err != nil {
		return nil, "", err
	}
	connected, err := connect(c, NewLogger(c.App.ErrWriter, slog.LevelError))
	return connected, id, err
}

// running reports whether a job has not ended. The error for an id that nobody
// used is bad input.
func (s *session) running(ctx context.Context, id string) (bool, error) {
	description, err := s.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return false, unknownJob(id, err)
	}
	return description.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// link is a job's page in the Web UI; empty without one.
func (s *session) link(id string) string { return WebLink(s.webUI, s.namespace, id) }

// unknownJob explains an id that the server does not know.
func unknownJob(id string, err error) error {
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return badInput(fmt.Errorf("no job %s on this server; see: nightshift list (a job that ended longer ago than the namespace's retention is forgotten, its report.json is not)", id))
	}
	return err
}
