package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// lease is one job's share of the endpoint, while it lasts.
type lease struct {
	Lease
	unwatch workflow.CancelFunc
	gone    bool
	left    time.Time
	reason  string       // why it was returned
	failure string       // why it never served this job
	outbox  []RentalNews // in the order in which they are to arrive
}

// lend gives a job a share, or tells one that has it how far things are. What
// ends gives none any more: the job gets the next rental.
func (r *rental) lend(request EndpointRequest) {
	s := r.sharing
	s.journaled(request.Journal, r.request.Output)
	one := r.leaseOf(request.Job)
	switch {
	case one != nil && sameAsk(one.Request, request):
		if r.reason == "" || r.news.Stage == Released { // what is on its way out is told of when it is
			r.tellOne(one, r.news.Stage)
		}
	case r.reason != "" || s.retired != "":
		r.queue(request)
	case one != nil: // it was reset, and counts anew
		one.Request = request
		r.tellOne(one, r.news.Stage)
	case len(s.leases) >= maxLeases:
		r.answerNone(request, Released, fmt.Sprintf("%d jobs share %s already", maxLeases, request.Endpoint))
	default:
		now := workflow.Now(r.life)
		if request.Journal != "" { // it has it from a run that was ended by hand, and so may others
			s.until = later(s.until, now.Add(regroup))
		}
		one = &lease{Lease: Lease{Request: request, From: now, Most: 1}}
		r.open(one)
		r.tellOne(one, r.news.Stage)
	}
}

func sameAsk(a, b EndpointRequest) bool { return a.Rental == b.Rental && a.Since.Equal(b.Since) }

// queue has a job wait for the next rental.
func (r *rental) queue(request EndpointRequest) {
	s := r.sharing
	if r.unqueue(request.Job); len(s.next) < maxLeases {
		s.next = append(s.next, request)
	}
}

func (r *rental) unqueue(job string) {
	s := r.sharing
	s.next = slices.DeleteFunc(s.next, func(one EndpointRequest) bool { return one.Job == job })
}

func (r *rental) leaseOf(job string) *lease {
	i := slices.IndexFunc(r.sharing.leases, func(one *lease) bool { return one.Request.Job == job })
	if i < 0 {
		return nil
	}
	return r.sharing.leases[i]
}

// open begins a lease and watches its owner. One that began in the run before
// may wait for its last answers.
func (r *rental) open(one *lease) {
	s := r.sharing
	for _, other := range s.leases {
		one.met(other.Request.Job)
		other.met(one.Request.Job)
	}
	s.leases = append(s.leases, one)
	for _, each := range s.leases {
		each.Most = max(each.Most, len(s.leases))
	}
	s.changes++
	watched, unwatch := workflow.WithCancel(r.life)
	one.unwatch = unwatch
	workflow.Go(watched, func(watched workflow.Context) {
		if r.ownerClosed(watched, one.Request.Owner) == nil {
			r.end(one, "its job is closed")
		}
	})
	if one.Capped != "" {
		r.endCapped(one)
	}
	if r.news.Stage != Serving {
		workflow.Go(watched, func(watched workflow.Context) { r.watchWarmup(watched, one) })
	}
}

// met notes another job that has the endpoint too.
func (l *lease) met(job string) {
	if len(l.With) < jobs.MaxWith && !slices.Contains(l.With, job) {
		l.With = append(l.With, job)
	}
}

// watchWarmup ends the lease of a job that waits longer than its own limit.
func (r *rental) watchWarmup(ctx workflow.Context, one *lease) {
	left := one.From.Add(one.Request.Warmup.Std()).Sub(workflow.Now(ctx))
	err := awaitAtMost(ctx, left, "limits.warmup of "+one.Request.Job, func() bool {
		return one.gone || r.reason != "" || r.news.Stage == Serving
	})
	if err != nil || one.gone || r.reason != "" || r.news.Stage == Serving {
		return
	}
	one.failure = "the endpoint did not answer within limits.warmup"
	r.end(one, one.failure)
}

// takeBack ends the lease of a job that returns it. A job without one is told
// so; a dismissal of an earlier rental is none of this one.
func (r *rental) takeBack(dismissal Dismissal) {
	request := dismissal.Request
	r.sharing.journaled(request.Journal, r.request.Output)
	r.unqueue(request.Job)
	one := r.leaseOf(request.Job)
	switch {
	case one == nil:
		r.answerNone(request, Returned, "")
	case request.Rental < one.Request.Rental || request.Since.Before(one.Request.Since):
	case r.reason != "": // and released soon, of which it is told
		if r.news.Stage == Released {
			r.tellOne(one, Released)
		}
	default:
		r.end(one, dismissal.Reason)
	}
}

// end ends a lease. The last job to have the endpoint gives it back itself and
// waits for the proof, unless the endpoint is to linger.
func (r *rental) end(one *lease, reason string) {
	s := r.sharing
	if one.gone || r.reason != "" {
		return
	}
	now := workflow.Now(r.life)
	s.until = later(s.until, now.Add(one.Request.Endpoint.Share.Linger.Std()))
	if len(s.leases) == 1 && (!s.until.After(now) || s.retired != "") {
		r.dismiss(reason)
		return
	}
	one.gone, one.left, one.reason = true, now, reason
	one.unwatch()
	s.leases = slices.DeleteFunc(s.leases, func(other *lease) bool { return other == one })
	s.leaving = append(s.leaving, one)
	s.changes++
	switch {
	case r.tended: // in this run
		r.settle(now)
		r.sendOff()
	case r.news.Stage != Serving: // nothing is counted yet
		r.sendOff()
	}
}

// sendOff tells those who returned the endpoint what it was to them.
func (r *rental) sendOff() {
	s := r.sharing
	for _, one := range s.leaving {
		news := r.newsFor(one, Returned)
		s.used(one, one.left)
		r.send(one, news)
	}
	s.leaving = nil
}

// tellAll sends news to every job that has the endpoint.
func (r *rental) tellAll(stage RentalStage) {
	for _, one := range r.sharing.leases {
		r.tellOne(one, stage)
	}
}

func (r *rental) tellOne(one *lease, stage RentalStage) { r.send(one, r.newsFor(one, stage)) }

// send has news delivered one after the other.
func (r *rental) send(one *lease, news RentalNews) {
	s := r.sharing
	s.telling++
	if one.outbox = append(one.outbox, news); len(one.outbox) > 1 {
		return
	}
	workflow.Go(r.life, func(own workflow.Context) {
		for len(one.outbox) > 0 {
			signal(own, one.Request.Owner, one.outbox[0])
			one.outbox = one.outbox[1:]
			s.telling--
		}
	})
}

// newsFor is how things stand for one of the jobs.
func (r *rental) newsFor(one *lease, stage RentalStage) RentalNews {
	news := r.news
	news.Number, news.Since, news.Stage = one.Request.Rental, one.Request.Since, stage
	news.Rental = r.recordOf(one)
	news.Run = workflow.GetInfo(r.life).WorkflowExecution.RunID
	if one.failure != "" {
		news.ErrType, news.ErrText = jobs.WarmupLimit, one.failure
	}
	news.Capped, news.Retired, news.Journal = one.Capped, r.sharing.retired, r.request.Output
	return news
}

// answerNone tells a job that it has no share; refusal says why, to one that
// wants it.
func (r *rental) answerNone(request EndpointRequest, stage RentalStage, refusal string) {
	now := workflow.Now(r.life)
	news := RentalNews{Number: request.Rental, Since: request.Since, Stage: stage, ErrText: refusal, Rental: jobs.Rental{
		Provider: request.Endpoint.Provider, Shape: request.Endpoint.String(), Requested: now, Reason: cmp.Or(refusal, "the job had no share of it"),
		Shared: &jobs.Shared{Name: request.Endpoint.Share.Name, Guard: workflow.GetInfo(r.life).WorkflowExecution.ID, From: now, Left: now},
	}}
	if refusal != "" {
		news.ErrType = jobs.NoCapacity
	}
	s := r.sharing
	s.telling++
	workflow.Go(r.life, func(own workflow.Context) {
		signal(own, request.Owner, news)
		s.telling--
	})
}

// owners names those who have the endpoint, in Markdown.
func (s *sharing) owners() string {
	var names []string
	for _, one := range s.leases[:min(len(s.leases), jobs.MaxWith)] {
		names = append(names, "`"+one.Request.Job+"`")
	}
	text := fmt.Sprintf("jobs that share it (%d)", len(s.leases))
	switch {
	case len(names) > 0:
		text += ": " + strings.Join(names, ", ")
	case !s.until.IsZero():
		text += ", lingering until " + clock(s.until)
	}
	return text + fmt.Sprintf("; %d had it before", s.jobs)
}
