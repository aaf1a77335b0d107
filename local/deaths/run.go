package deaths

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options says how cases are run.
type Options struct {
	// Program is nightshift's own binary with the commands parts.TemporalCommand and
	// parts.ObjectsCommand on top. Env is added to its environment.
	Program string
	Env     []string

	// Dir gets a folder a case, with the logs of its processes. That of a case
	// that is not broken is removed.
	Dir string

	// Parallel is how many cases run at once: they mostly wait. 0 is 6.
	Parallel int

	// Each is called with each result as it comes, one at a time; may be nil.
	Each func(Result)
}

// Run runs the cases and returns their results in the same order. A case that
// could not be run at all has a result that says so. It returns early, with
// results of what was run, when ctx ends.
func Run(ctx context.Context, cases []Case, o Options) []Result {
	if o.Parallel == 0 {
		o.Parallel = 6
	}
	results := make([]Result, len(cases))
	slots := make(chan struct{}, o.Parallel)
	var running sync.WaitGroup
	var told sync.Mutex
	for i, c := range cases {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			results[i] = Result{Case: c, Err: ctx.Err()}
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = runCase(ctx, c, o)
			told.Lock()
			defer told.Unlock()
			if o.Each != nil {
				o.Each(results[i])
			}
		})
	}
	running.Wait()
	return results
}

// patience bounds every wait. It is met only when something hangs, so that what
// the ledger shows then is leaked.
const patience = 5 * time.Minute

func runCase(ctx context.Context, c Case, o Options) Result {
	began := time.Now()
	s, err := settingOf(c)
	if err != nil {
		return Result{Case: c, Err: err}
	}
	dir := filepath.Join(o.Dir, strings.NewReplacer("/", "-", " ", "-").Replace(c.String()))
	w, err := newWorld(ctx, s, o, dir)
	defer w.close()
	if err != nil {
		return Result{Case: c, Err: err}
	}
	r, err := w.play(ctx)
	r.Case, r.Err, r.Took = c, err, time.Since(began)
	if len(r.Broken()) == 0 {
		_ = os.RemoveAll(dir)
	}
	return r
}

// settingOf finds a case's rows of the tables.
func settingOf(c Case) (setting, error) {
	provider, known := find(providers, c.Provider)
	if !known {
		return setting{}, fmt.Errorf("no cases for provider %q; there are some for %s", c.Provider, strings.Join(Providers(), ", "))
	}
	death, knownDeath := find(deaths, c.Death)
	moment, knownMoment := find(moments, c.Moment)
	if !knownDeath || !knownMoment {
		return setting{}, fmt.Errorf("no case %q", c)
	}
	s := setting{Case: c, provider: provider, death: death, moment: moment, lines: moment.lines, warmUp: moment.warmUp}
	if death.limit > 0 && moment.name == "warming" {
		s.warmUp = 2 * death.limit
	}
	if death.limit > 0 && moment.name == "running" {
		s.lines = 100 * int(death.limit.Seconds()) // the cloud answers 80 a second
	}
	return s, nil
}

// play takes the case from its job's submission to its end.
func (w *world) play(ctx context.Context) (r Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it did not end within "+patience.String()))
	defer cancel()
	if err := w.submit(ctx); err != nil {
		return r, err
	}
	select {
	case <-w.cloud.reached:
	case <-ctx.Done():
		return r, fmt.Errorf("the moment never came: %w", context.Cause(ctx))
	}
	if w.moment.name != "creating" && w.death.limit == 0 && w.closed(ctx) {
		return r, errors.New("the job was over before the moment came")
	}
	err = w.death.strike(ctx, w)
	died := time.Now()
	w.cloud.afterDeath()
	if err != nil {
		return r, fmt.Errorf("strike: %w", err)
	}
	unflushed, err := w.bringBack(ctx)
	if err != nil {
		return r, err
	}
	early, waited := w.awaitOver(ctx)
	r, err = w.judge(context.WithoutCancel(ctx), died, unflushed)
	r.Early = early
	return r, errors.Join(waited, err)
}

// bringBack starts again what was killed, after a while, and returns how many
// requests had been sent whose answers were not in the bucket when the last
// sender was gone.
func (w *world) bringBack(ctx context.Context) (unflushed int64, err error) {
	if w.death.back == nil {
		return 0, nil
	}
	away := time.NewTimer(w.death.down)
	defer away.Stop()
	select {
	case <-away.C:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	for _, one := range w.death.back(w) {
		if w.death.resends && one == w.workers[0] {
			if unflushed, err = w.unflushed(ctx); err != nil {
				return 0, err
			}
		}
		if err := one.Start(ctx); err != nil {
			return 0, err
		}
	}
	return unflushed, nil
}
