package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/parts"
)

// Options says how large a run is.
type Options struct {
	// Program is nightshift's own binary with the commands of packages parts and
	// fleet on top.
	Program string
	Env     []string // is added to its environment

	// Nightshift is the binary of workers and gateway, such
	// as a release; "" is Program, which needs more memory, with a server in it.
	Nightshift string

	Dir   string // absolute; for files and logs
	Lines int    // of the job's input; 0 is 100,000
	Rate  int    // requests that the endpoint answers a second; 0 is a hundredth of the lines, so that every blow falls in mid-job

	Away        time.Duration // how long what is killed stays away; 0 is 5 s
	ObjectsAway time.Duration // how long the S3 server does; 0 is 20 s

	Each func(Blow) // is told each blow when it is over; may be nil
}

func (o Options) withDefaults() Options {
	o.Nightshift = cmp.Or(o.Nightshift, o.Program)
	o.Lines = cmp.Or(o.Lines, 100_000)
	o.Rate = cmp.Or(o.Rate, max(1, o.Lines/100))
	o.Away, o.ObjectsAway = cmp.Or(o.Away, 5*time.Second), cmp.Or(o.ObjectsAway, 20*time.Second)
	return o
}

// Blow is one thing that happened, and what came of it.
type Blow struct {
	What    string
	At      float64       // share of the requests that had been sent by then
	Away    time.Duration // how long what was struck was gone
	Silence time.Duration // longest time without an answer until it was over
	Again   int64         // requests that were sent again until the next

	before int64 // requests that had been sent again when it fell
}

// Result is what came of a run.
type Result struct {
	Blows []Blow
	Took  time.Duration // from submission to the end of both

	Job    Counts
	Batch  Counts // the gateway's, which ran at the same time
	Again  int64  // requests of both that the cloud took more than once
	Rented int    // endpoints
	Leaked int    // endpoints that still hold a GPU

	Used []Used // by each process; PostgreSQL's with all of its own
}

// Used is what one process used.
type Used struct {
	Name string
	parts.Use
}

// Broken returns the promises that were not kept, in words.
func (r Result) Broken() (broken []string) {
	note := func(bad bool, format string, args ...any) {
		if bad {
			broken = append(broken, fmt.Sprintf(format, args...))
		}
	}
	for _, one := range []struct {
		what, good string
		Counts
	}{{"the job", string(jobs.Completed), r.Job}, {"the gateway's batch", string(openai.BatchStatusCompleted), r.Batch}} {
		note(one.Outcome != one.good, "%s ended %s", one.what, one.Outcome)
		note(one.Lost > 0, "%d requests of %s have no result line", one.Lost, one.what)
		note(one.Twice > 0, "%d requests of %s have more than one result line", one.Twice, one.what)
		note(one.Errors > 0, "%d requests of %s ended in errors", one.Errors, one.what)
	}
	note(len(r.Blows) != len(blows), "%d of %d blows fell", len(r.Blows), len(blows))
	note(r.Rented != 2, "%d endpoints were rented, for a job and a batch", r.Rented)
	note(r.Leaked > 0, "%d endpoints leaked", r.Leaked)
	return broken
}

// patience bounds a run, beyond the time that the requests take. It is met only
// when something hangs.
const patience = 15 * time.Minute

// Run starts the fleet, runs the job, lets every blow fall and counts. An error
// means that it could not be played to its end, ErrNoPostgres that it could not
// begin.
func Run(ctx context.Context, o Options) (r Result, err error) {
	o = o.withDefaults()
	limit := patience + time.Duration(o.Lines/o.Rate)*time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("it did not end within "+limit.String()))
	defer cancel()
	w, err := newWorld(ctx, o)
	defer func() {
		err = errors.Join(err, w.close())
		r.Used = w.used()
	}()
	if err != nil {
		return r, fmt.Errorf("start the fleet: %w", err)
	}
	return w.play(ctx)
}

// play takes the job, and the gateway's batch, from submission to their ends.
func (w *world) play(ctx context.Context) (r Result, err error) {
	began := time.Now()
	job, err := w.submit(ctx)
	if err != nil {
		return r, err
	}
	batch, err := w.submitBatch(ctx)
	if err != nil {
		return r, err
	}
	watch := startWatch(ctx, w.ledger)
	defer watch.stop()
	if r.Blows, err = w.strike(ctx, watch); err != nil {
		return r, err
	}
	report, err := w.await(ctx, job)
	if err != nil {
		return r, err
	}
	ended, err := w.awaitBatch(ctx, batch)
	if err != nil {
		return r, err
	}
	r.Took = time.Since(began)
	if r.Job, err = w.judgeJob(ctx, report); err != nil {
		return r, err
	}
	if r.Batch, err = w.judgeBatch(ctx, ended); err != nil {
		return r, err
	}
	return r, w.judgeCloud(ctx, &r)
}
