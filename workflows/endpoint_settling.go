package workflows

import (
	"math"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// tendShared watches over the serving endpoint as tend does, in spans in which
// the same jobs share it, and divides what is billed among them in equal parts,
// so that the parts of all jobs, and what was billed while none had it, add up to
// what the provider bills. What was billed before the first answer is divided
// among those who had waited for it.
func (r *rental) tendShared(ctx workflow.Context) {
	s := r.sharing
	defer func() { r.tended = true }()
	for r.news.Stage == Serving && r.reason == "" && !s.handing {
		r.sendOff()
		r.span(ctx)
	}
	r.sendOff()
}

// span is one span's tending.
func (r *rental) span(ctx workflow.Context) {
	s, began := r.sharing, r.sharing.changes
	wanted, end := workflow.WithCancel(r.wanted)
	over := false
	workflow.Go(ctx, func(ctx workflow.Context) {
		_ = workflow.Await(ctx, func() bool { return over || s.changes != began || r.reason != "" })
		end()
	})
	tended, err := r.callTend(ctx, wanted)
	over = true
	if err == nil {
		r.news.Rental.Meter = tended.Meter
	}
	r.settle(orElse(s.over, workflow.Now(ctx)))
	workflow.SetCurrentDetails(ctx, r.details())
	switch {
	case r.reason != "":
	case err != nil && s.changes == began:
		workflow.GetLogger(ctx).Error("tend the endpoint", "name", r.news.Rental.Name, "error", err)
		_ = awaitAtMost(ctx, controlHeartbeat, "to tend the endpoint again", func() bool { return r.reason != "" })
	case tended.Lost != "":
		r.dismiss(tended.Lost)
	case tended.Capped != "":
		r.cappedOne(tended)
	}
}

// settle divides what was billed up to a time, which is not after the stop,
// among those who shared it: each pays from its ask until its return.
func (r *rental) settle(to time.Time) {
	s, meter := r.sharing, &r.news.Rental.Meter
	if s == nil || to.Before(s.settled) {
		return
	}
	if meter.Until.Before(to) {
		meter.Read(to, meter.Replicas())
	}
	if r.news.Stage != Serving { // those who have waited for the first answer
		s.divide(*meter, to, s.leases)
		return
	}
	for settled := false; !settled; settled = s.settled.Equal(to) {
		s.divide(*meter, s.nextChange(to), s.holders())
	}
}

// nextChange is when somebody came or went after what is settled, or to.
func (s *sharing) nextChange(to time.Time) time.Time {
	for _, one := range slices.Concat(s.leases, s.leaving) {
		for _, at := range []time.Time{one.From, one.left} {
			if at.After(s.settled) && at.Before(to) {
				to = at
			}
		}
	}
	return to
}

// holders are those who had the endpoint right after what is settled.
func (s *sharing) holders() (among []*lease) {
	for _, one := range slices.Concat(s.leases, s.leaving) {
		if !one.From.After(s.settled) && (one.left.IsZero() || one.left.After(s.settled)) {
			among = append(among, one)
		}
	}
	return among
}

// divide gives each of them an equal part of what was billed since it was last
// divided. What was divided then may have changed, by when the stop was accepted.
func (s *sharing) divide(meter jobs.Meter, to time.Time, among []*lease) {
	part := meter.All(to) - s.sum
	s.sum += part
	if len(among) == 0 {
		s.idle += part
	}
	for _, one := range among {
		before := one.Meter.All(s.settled)
		one.Meter.AddShare(meter, s.settled, to, len(among))
		// A meter of very many steps has added up its oldest, and a reading may
		// tell of a change before the last. Less than a microsecond is rounding.
		if missing := part/float64(len(among)) - (one.Meter.All(to) - before); math.Abs(missing) > 1e-6 {
			one.Meter.Before += missing
		}
	}
	s.settled = to
}

// limit says which of the jobs may be billed for how much more.
func (s *sharing) limit(call *TendCall) {
	call.Among, call.Settled = len(s.leases), s.sum
	for _, one := range s.leases {
		if most := one.Request.Cap; most != nil && one.Capped == "" {
			call.Sharers = append(call.Sharers, Sharer{Job: one.Request.Job, Cap: Cap{
				ReplicaSeconds: most.ReplicaSeconds - one.Meter.All(s.settled), Limit: most.Limit,
			}})
		}
	}
}

// cappedOne tells a job that its limit is reached: the others go on.
func (r *rental) cappedOne(tended Tended) {
	one := r.leaseOf(tended.Job)
	if one == nil {
		return
	}
	one.Capped = tended.Capped + " is used up"
	r.tellOne(one, Serving)
	r.endCapped(one)
}

// endCapped waits a little for the job's last answers; a job whose workers are
// dead does not return its share.
func (r *rental) endCapped(one *lease) {
	workflow.Go(r.life, func(ctx workflow.Context) {
		_ = awaitAtMost(ctx, capGrace, "for the last answers of "+one.Request.Job, func() bool { return one.gone || r.reason != "" })
		r.end(one, one.Capped)
	})
}

// recordOf is the rental as it is for one of the jobs.
func (r *rental) recordOf(one *lease) jobs.Rental {
	record, terms := r.news.Rental, one.Request.Terms
	record.Requested, record.Meter = one.From, one.Meter
	record.GPUs, record.Price, record.PriceFrom = terms.GPUs, terms.Price, terms.PriceFrom
	if !record.Ready.IsZero() {
		record.Ready = later(record.Ready, one.From)
	}
	if record.Created.Before(one.From) { // for another job
		record.Created = time.Time{}
	}
	record.Shared = &jobs.Shared{
		Name: r.request.Endpoint.Share.Name, Guard: workflow.GetInfo(r.life).WorkflowExecution.ID,
		From: one.From, Left: one.left, With: one.With, Most: one.Most,
	}
	if one.gone {
		record.Reason = one.reason
		if len(r.sharing.leases) == 0 {
			record.Shared.Stays = r.sharing.until
		}
	}
	return record
}

// used notes a job's part when it is over.
func (s *sharing) used(one *lease, left time.Time) {
	s.jobs++
	s.uses = append(s.uses, jobs.Use{Job: one.Request.Job, From: one.From, Left: left, ReplicaSeconds: one.Meter.All(left)})
	if len(s.uses) > jobs.MaxUses {
		s.uses = s.uses[len(s.uses)-jobs.MaxUses:]
	}
}

// all is the whole of a rental that is over, for its own record.
func (s *sharing) all(name string) *jobs.Shared {
	for _, one := range s.leases {
		s.used(one, s.settled)
	}
	return &jobs.Shared{Name: name, Uses: s.uses, Jobs: s.jobs, Idle: s.idle}
}
