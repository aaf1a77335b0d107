package gateway

import (
	"context"
	"errors"

	"github.com/nightshift-run/nightshift/jobs"
)

// Runner runs batches as jobs.
type Runner interface {
	// Start starts a job. It returns nil as well if a job of that id was started
	// before.
	Start(ctx context.Context, job string, spec jobs.Spec) error

	// Cancel asks a job to end early; nil if it has ended.
	Cancel(ctx context.Context, job string) error

	// Look tells what a job is doing. Errors wrap ErrNoJob for an id that is not
	// known, or no longer.
	Look(ctx context.Context, job string) (Sight, error)

	// Model returns the model that the first request of an input names; empty
	// if there is none, or no input.
	Model(ctx context.Context, input string) (string, error)

	// Problems returns what is wrong with the input of a job that failed for it.
	Problems(ctx context.Context, output, job string) ([]Problem, error)

	// Ready returns nil if jobs can be started.
	Ready(ctx context.Context) error

	// Link is a job's page in Temporal's Web UI; empty without one.
	Link(job string) string
}

// ErrNoJob is of a job that is not known.
var ErrNoJob = errors.New("no such job")

// Sight is a job at one moment.
type Sight struct {
	Open       bool
	Cancelling bool // its cancellation was asked for
	Phase      jobs.Phase
	Phases     []jobs.PhaseTime
	Counts     jobs.Counts
	Usage      jobs.Usage
	Cost       jobs.Money // so far; zero when it is not known

	// Of a job that has ended: its report if it left one, else why not.
	Report *jobs.Report
	Reason string
}

// Problem is one thing that is wrong with an input.
type Problem struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int64  `json:"line"`
}
