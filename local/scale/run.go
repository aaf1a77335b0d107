package scale

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/objectstore"
)

// Options says what job to run, and how.
type Options struct {
	Lines     int
	Files     int // objects that the lines are spread over; 0 is 1
	LineBytes int // of each line of the input; 0 is 1,000
	Workers   int // processes of both roles
	InFlight  int // requests in flight from one worker; 0 leaves it to the pace

	// Kill ends the last worker with SIGKILL when a third of the lines has an
	// answer. It does not come back.
	Kill bool

	// Model is how fast the simulated endpoint answers.
	Model sim.Model

	// SuggestAfter is how many events of history make Temporal suggest that the
	// job go on in a new run; 0 is Temporal's own number.
	SuggestAfter int

	Program string              // nightshift, whose command worker is run
	Dir     string              // for what the processes keep
	Objects *objectstore.Server // holds input and results
	Show    func(cli.Snapshot)  // the job's progress; may be nil
}

// Result is what one job took.
type Result struct {
	Options
	Report  jobs.Report
	Memory  []Memory // of each worker
	Shares  []int64  // lines that each worker finished
	History History
	Lines   Lines
	Resent  int64 // requests that the endpoint took more than once
}

// Run runs the job. An error is that it could not be run, or did not complete;
// what it broke is in the result.
func Run(ctx context.Context, o Options) (Result, error) {
	o.Files, o.LineBytes = max(o.Files, 1), max(o.LineBytes, minLine)
	w, err := newWorld(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer w.close()
	if err := w.startWorkers(); err != nil {
		return Result{}, err
	}
	job, err := w.submit(ctx)
	if err != nil {
		return Result{}, err
	}
	report, err := w.watch(ctx, job)
	if err != nil {
		return Result{}, err
	}
	r := Result{Options: o, Report: *report, Resent: w.stack.Cloud.Ledger().Data.RepeatedBodies}
	for _, one := range w.workers {
		r.Memory = append(r.Memory, one.memory.read())
	}
	if r.History, err = readHistory(ctx, w.stack.Client, job); err != nil {
		return r, err
	}
	r.Shares = r.History.sharesOf(w.workers)
	r.Lines, err = w.readResults(ctx, report.Files)
	return r, err
}

// watch follows the job to its end and strikes on the way if it is to.
func (w *world) watch(ctx context.Context, job string) (*jobs.Report, error) {
	var struck error
	kill := w.options.Kill
	report, err := cli.Watch(ctx, w.stack.Client, job, time.Second, func(s cli.Snapshot) {
		if kill && s.Phase == jobs.Running && s.Counts.Done() > s.Counts.Total/3 {
			kill, struck = false, w.workers[len(w.workers)-1].kill()
		}
		for _, one := range w.workers {
			one.memory.sending(s.Phase == jobs.Running, s.Counts.Done() > s.Counts.Total/2)
		}
		if w.options.Show != nil {
			w.options.Show(s)
		}
	})
	switch {
	case err != nil || report == nil:
		return nil, fmt.Errorf("job %s: %w", job, err)
	case kill:
		return nil, errors.New("the job was over before a worker could be killed; try more lines")
	}
	return report, struck
}
