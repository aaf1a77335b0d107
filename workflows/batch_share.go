package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// A job that shares an endpoint watches its Endpoint, as that watches the job:
// one that was terminated or reset by hand does not know who has the endpoint,
// until they ask again.

// shares reports whether the endpoint that is being tried is shared.
func (b *batch) shares() bool { return !b.endpoint().Share.IsZero() }

// startGuarding watches the Endpoint for as long as the job has a share.
func (b *batch) startGuarding() {
	if !b.shares() || b.guarding {
		return
	}
	b.guarding = true
	watched, unguard := workflow.WithCancel(b.life)
	b.unguard = unguard
	workflow.Go(watched, func(watched workflow.Context) {
		b.keepShare(watched)
		b.guarding = false
	})
}

// stopGuarding returns when nothing is asked for any more, so that the
// dismissal is the last word.
func (b *batch) stopGuarding() {
	if b.guarding {
		b.unguard()
		b.until(func() bool { return !b.guarding })
	}
}

// keepShare asks again whenever the Endpoint is no longer the one that was
// heard.
func (b *batch) keepShare(ctx workflow.Context) {
	own, _ := workflow.NewDisconnectedContext(ctx) // what was asked is waited for
	for {
		if workflow.Await(ctx, func() bool { return b.state.Run != "" || b.over() }) != nil || b.over() {
			return
		}
		if b.callWatchEndpoint(ctx, b.state.Run) != nil || b.over() {
			return
		}
		b.state.Run = ""
		if err := b.askEndpoint(own); err != nil {
			workflow.GetLogger(ctx).Error("ask for the share again", "error", err)
			return
		}
	}
}

// heardShared notes what must be known to ask again. It reports false for news
// that change nothing else: of an Endpoint that began anew, and takes over the
// endpoint that the job goes on using.
func (b *batch) heardShared(news *RentalNews) bool {
	if news.Run != "" {
		b.state.Run, b.state.Journal = news.Run, news.Journal
	}
	switch {
	case b.news.Stage == Serving && (news.Stage == Asked || news.Stage == Created):
		return false
	case b.over(): // what is over for the job stays so
		return false
	case news.Stage == Returned && news.Run == "": // by an Endpoint that does not know of the share: what was known stands
		b.keepRecord(news)
	}
	if news.Retired != "" && news.Stage == Serving {
		b.retire()
	}
	return true
}

// keepRecord puts what was told before into news that tell less.
func (b *batch) keepRecord(news *RentalNews) {
	known := b.news.Rental
	if known.Shared == nil || news.Rental.Shared == nil {
		return
	}
	shared := *known.Shared
	shared.Left = news.Rental.Shared.Left
	known.Shared, known.Reason = &shared, "its Endpoint workflow was ended by hand; the last part of the bill is reckoned"
	news.Rental = known
}

// retire sends nothing more to an endpoint whose lifetime is over, lets what is
// in flight finish, and has another asked for: it does not count as lost.
func (b *batch) retire() {
	if b.stale {
		return
	}
	b.stale = true
	if b.phase == jobs.Running {
		b.finishing = true
		b.abandon()
	}
}

// otherWasImpatient reports whether the rental ended by the warm-up limit of
// another job, and this one's is not over.
func (b *batch) otherWasImpatient() bool {
	return b.shares() && workflow.Now(b.life).Before(b.state.Since.Add(b.input.Spec.Limits.Warmup.Std()))
}
