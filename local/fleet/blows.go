package fleet

import (
	"context"
	"fmt"
	"os"
	"time"
)

// blow is something that happens to the fleet while the job runs.
type blow struct {
	what string
	at   float64 // falls when this share of the requests is answered
	away func(Options) time.Duration
	fall func(*world) error
	mend func(context.Context, *world) error
}

func briefly(o Options) time.Duration { return o.Away }

// blows are in the order of their share.
var blows = []blow{
	{what: "a data worker is killed", at: 0.10, away: briefly,
		fall: func(w *world) error { return w.data[0].Kill() },
		mend: func(ctx context.Context, w *world) error { return w.data[0].Start(ctx) }},
	{what: "PostgreSQL is restarted", at: 0.25, away: briefly,
		fall: func(w *world) error { return w.database.stop() },
		mend: func(ctx context.Context, w *world) error { return w.database.start(ctx) }},
	{what: "the Temporal server is killed", at: 0.40, away: briefly,
		fall: func(w *world) error { return w.temporal.Kill() },
		mend: func(ctx context.Context, w *world) error { return w.temporal.Start(ctx) }},
	{what: "a control worker is killed", at: 0.55, away: briefly,
		fall: func(w *world) error { return w.control[0].Kill() },
		mend: func(ctx context.Context, w *world) error { return w.control[0].Start(ctx) }},
	{what: "the S3 server is stopped", at: 0.70, away: func(o Options) time.Duration { return o.ObjectsAway },
		fall: func(w *world) error { return w.objects.Stop(os.Interrupt) },
		mend: func(ctx context.Context, w *world) error { return w.objects.Start(ctx) }},
	{what: "the gateway is killed", at: 0.85, away: briefly,
		fall: func(w *world) error { return w.gateway.Kill() },
		mend: func(ctx context.Context, w *world) error { return w.gateway.Start(ctx) }},
}

// strike lets every blow fall and returns what came of each.
func (w *world) strike(ctx context.Context, watch *watch) ([]Blow, error) {
	var fallen []Blow
	for _, b := range blows {
		if err := watch.taken(ctx, int64(b.at*float64(w.Lines+w.batchLines()))); err != nil {
			return fallen, fmt.Errorf("%s: the moment never came: %w", b.what, err)
		}
		one := Blow{What: b.what, At: b.at, Away: b.away(w.Options)}
		one.before = watch.begin()
		if err := b.fall(w); err != nil {
			return fallen, fmt.Errorf("%s: %w", b.what, err)
		}
		if err := sleep(ctx, one.Away); err != nil {
			return fallen, err
		}
		if err := b.mend(ctx, w); err != nil {
			return fallen, fmt.Errorf("after %s: %w", b.what, err)
		}
		if err := w.awaitReady(ctx); err != nil {
			return fallen, fmt.Errorf("after %s: %w", b.what, err)
		}
		// The blow is over when answers come again.
		if err := watch.next(ctx, int64(w.Lines+w.batchLines())); err != nil {
			return fallen, fmt.Errorf("after %s no answer came any more: %w", b.what, err)
		}
		one.Silence = watch.silent()
		fallen = append(fallen, one)
		w.tell(one)
	}
	return fallen, nil
}

func (w *world) tell(b Blow) {
	if w.Each != nil {
		w.Each(b)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
