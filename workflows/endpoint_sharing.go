package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// An endpoint that jobs share has one Endpoint workflow, whose id they all find
// (see EndpointIDOf). Each ask is a lease, which ends by the owner's dismissal
// or its closing. Without a lease the endpoint lingers, and is then released; an
// ask that comes before is given what is warm, one that comes after gets the
// next rental. This file is the rental's life, endpoint_lending.go the leases,
// endpoint_settling.go who is billed for what.

// sharing is what an Endpoint knows of those who share its endpoint.
type sharing struct {
	leases  []*lease          // open, in the order in which they were asked for
	leaving []*lease          // returned, to be told when their parts are settled
	next    []EndpointRequest // for another rental, since this one ends
	until   time.Time         // not to be released before, even without a lease
	ends    time.Time         // the lifetime
	retired string            // why nothing more is to be sent, once it is over
	over    time.Time         // when the reason to release came up
	handing bool              // to the next run

	journals []string // outputs below which further journals lie

	settled time.Time // up to here it is divided
	sum     float64   // replica-seconds that are
	idle    float64   // of them, without a lease
	uses    []jobs.Use
	jobs    int

	changes int // in who shares it
	telling int // news on their way
}

const (
	// regroup is for how long an Endpoint that took an endpoint over, or knows of
	// none who has it, waits for those who do to ask again: some of ownerPoll,
	// in which each of them notices.
	regroup = 4 * ownerPoll

	// retireGrace is how long after the lifetime requests in flight may finish.
	retireGrace = 5 * time.Minute

	// maxLeases bounds the watches that are open at once, well below the server's
	// limit of 2,000 pending activities.
	maxLeases = 500
)

// lendOut makes a rental one that is shared, or goes on with one.
func (r *rental) lendOut(before *Lending) {
	now := workflow.Now(r.life)
	r.request.Job, r.request.Owner, r.request.Cap = r.request.Endpoint.SharedID(), "", nil
	s := &sharing{}
	r.sharing = s
	if r.request.Journal != "" {
		r.request.Output = r.request.Journal
	}
	if before != nil && before.News != nil {
		r.news = *before.News
		s.until, s.ends, s.settled, s.sum, s.idle = before.Until, before.Ends, before.Settled, before.Sum, before.Idle
		s.uses, s.jobs, s.journals = before.Uses, before.Jobs, before.Journals
	} else {
		s.settled, s.ends = now, now.Add(r.request.Endpoint.Share.Lifetime.Std())
		r.request.Deadline = s.ends.Add(retireGrace + releaseGrace)
	}
	if err := workflow.SetQueryHandler(r.life, SharingQuery, func() (Sharing, error) { return r.show(), nil }); err != nil {
		workflow.GetLogger(r.life).Error("answer the query", "query", SharingQuery, "error", err)
	}
	if before == nil {
		return
	}
	for _, one := range before.Leases {
		r.open(&lease{Lease: one})
	}
}

// runShared is run for an endpoint that is shared.
func (r *rental) runShared() (jobs.Rental, error) {
	s := r.sharing
	r.takeSignals()
	if len(s.leases) == 0 && s.until.IsZero() { // started by a dismissal: somebody else may have it
		s.until = workflow.Now(r.life).Add(regroup)
	}
	workflow.Go(r.life, r.listen)
	workflow.Go(r.life, r.watchVacancy)
	workflow.Go(r.life, r.watchLifetime)
	r.rentShared()
	workflow.Go(r.life, r.tendShared)
	_ = workflow.Await(r.life, func() bool { return r.reason != "" || r.outgrown() })
	if r.reason == "" && r.handOver() {
		return r.news.Rental, workflow.NewContinueAsNewError(r.life, EndpointWorkflow, r.nextRun())
	}
	r.release()
	r.turnOffJournaled()
	r.settle(orElse(r.news.Rental.StopAsked, workflow.Now(r.life)))
	r.sendOff()
	r.news.Rental.Shared = s.all(r.request.Endpoint.Share.Name)
	r.tell(r.life, Released)
	return r.lookAgainShared()
}

// show is how things stand, for whoever asks.
func (r *rental) show() Sharing {
	s := r.sharing
	shown := Sharing{Stage: r.news.Stage, Rental: r.news.Rental, Settled: s.settled, Until: s.until, Ends: s.ends}
	shown.Rental.Shared = &jobs.Shared{Name: r.request.Endpoint.Share.Name, Uses: s.uses, Jobs: s.jobs, Idle: s.idle}
	for _, one := range s.leases {
		shown.Leases = append(shown.Leases, one.Lease)
	}
	return shown
}

// takeSignals handles what has come so far.
func (r *rental) takeSignals() {
	for signals := r.signals(r.life); signals.HasPending(); {
		signals.Select(r.life)
	}
}

// rentShared rents for the first lease, unless the run before has done so.
func (r *rental) rentShared() {
	if r.news.Stage == Serving {
		return
	}
	_ = workflow.Await(r.life, func() bool { return r.reason != "" || len(r.sharing.leases) > 0 })
	if err := r.rent(); err != nil && r.reason == "" {
		r.news.ErrType, r.news.ErrText = describe(err)
		r.dismiss(r.news.ErrText)
	}
}

// adopted heeds what an endpoint that was there already says by its name, and
// gives others who may have it the time to say so.
func (r *rental) adopted(created EndpointCreated) {
	s := r.sharing
	if s == nil || !created.Adopted {
		return
	}
	s.until = later(s.until, workflow.Now(r.life).Add(regroup))
	if deadline := created.Deadline; !deadline.IsZero() && deadline.Before(r.request.Deadline) {
		r.request.Deadline = deadline
		s.ends = deadline.Add(-retireGrace - releaseGrace)
	}
}

// watchVacancy releases the endpoint when no job has it and it has lingered.
func (r *rental) watchVacancy(ctx workflow.Context) {
	s := r.sharing
	for r.reason == "" {
		_ = workflow.Await(ctx, func() bool { return r.reason != "" || len(s.leases) == 0 })
		left := s.until.Sub(workflow.Now(ctx))
		if r.reason == "" && left <= 0 {
			r.dismiss("no job has it any more")
		}
		if r.reason != "" {
			return
		}
		workflow.SetCurrentDetails(ctx, r.details())
		_ = awaitAtMost(ctx, left, "until the endpoint is released, unless a job asks for it", func() bool {
			return r.reason != "" || len(s.leases) > 0
		})
	}
}

// watchLifetime ends the rental when its lifetime is over: its jobs are told to
// send nothing more, finish what is in flight, and go on with another.
func (r *rental) watchLifetime(ctx workflow.Context) {
	s := r.sharing
	for left := s.ends.Sub(workflow.Now(ctx)); left > 0 && r.reason == ""; left = s.ends.Sub(workflow.Now(ctx)) {
		ends := s.ends
		_ = awaitAtMost(ctx, left, "lifetime of the endpoint", func() bool { return r.reason != "" || !s.ends.Equal(ends) })
	}
	if r.reason != "" {
		return
	}
	s.retired = "its lifetime of " + r.request.Endpoint.Share.Lifetime.Std().String() + " is over"
	if r.news.Stage == Serving && len(s.leases) > 0 {
		r.tell(ctx, Serving)
		_ = awaitAtMost(ctx, retireGrace, "for the last answers", func() bool { return r.reason != "" || len(s.leases) == 0 })
	}
	r.dismiss(s.retired)
}

// outgrown reports whether the history has grown enough to continue as new.
func (r *rental) outgrown() bool {
	return r.news.Stage == Serving && workflow.GetInfo(r.life).GetContinueAsNewSuggested()
}

// handOver ends what goes on, so that the next run can go on with it. It
// reports false if the endpoint is to be released instead.
func (r *rental) handOver() bool {
	s := r.sharing
	s.handing = true
	s.changes++
	r.settleDown(func() bool { return r.tended })
	return r.reason == ""
}

// settleDown waits until every signal is taken and all news are delivered, and
// the condition holds: none of them may be lost with the end of the run.
func (r *rental) settleDown(condition func() bool) {
	s := r.sharing
	for {
		_ = workflow.Await(r.life, func() bool { return s.telling == 0 && condition() })
		if !r.signals(r.life).HasPending() {
			return
		}
		r.takeSignals()
	}
}

// nextRun is the input of the run that goes on with the same endpoint.
func (r *rental) nextRun() EndpointInput {
	s, news := r.sharing, r.news
	lending := &Lending{
		News: &news, Until: s.until, Ends: s.ends, Settled: s.settled, Sum: s.sum, Idle: s.idle,
		Uses: s.uses, Jobs: s.jobs, Journals: s.journals,
	}
	for _, one := range s.leases {
		lending.Leases = append(lending.Leases, one.Lease)
	}
	return EndpointInput{EndpointRequest: r.request, Lending: lending}
}

// lookAgainShared is lookAgain; a job that asks meanwhile begins a new run, for
// the next rental.
func (r *rental) lookAgainShared() (jobs.Rental, error) {
	s := r.sharing
	_ = awaitAtMost(r.life, lookAgainAfter, "until the account is searched once more", func() bool { return len(s.next) > 0 })
	if len(s.next) == 0 {
		r.turnOffLate()
	}
	r.settleDown(func() bool { return true })
	if len(s.next) == 0 {
		return r.news.Rental, nil
	}
	now := workflow.Now(r.life)
	lending := &Lending{}
	for _, request := range s.next {
		lending.Leases = append(lending.Leases, Lease{Request: request, From: now, Most: 1})
	}
	return r.news.Rental, workflow.NewContinueAsNewError(r.life, EndpointWorkflow, EndpointInput{EndpointRequest: s.next[0], Lending: lending})
}

// turnOffJournaled releases what further journals tell of: endpoints that keep
// no names, of a run that was ended by hand before this one was told of them.
func (r *rental) turnOffJournaled() {
	for _, output := range r.sharing.journals {
		r.callRelease(ReleaseCall{Job: r.request.Job, Endpoint: r.request.Endpoint, Output: output})
	}
}

// journaled remembers where a job says that the endpoint's journal lies.
func (s *sharing) journaled(output, own string) {
	if output != "" && output != own && !slices.Contains(s.journals, output) {
		s.journals = append(s.journals, output)
	}
}

func orElse(at, other time.Time) time.Time {
	if at.IsZero() {
		return other
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
