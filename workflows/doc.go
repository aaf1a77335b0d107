// Package workflows is nightshift's core and its architecture page.
//
// # The two workflows
//
// [Batch] is a job's life, its workflow id is the job's id. It claims its output,
// so that no other job writes there, checks the input, asks for an endpoint, runs the input's shards as activities, has the endpoint
// released, and assembles the results. [Endpoint] is one rental's life, its
// workflow id is endpoint/<job>. It alone creates the endpoint, watches over it
// and releases it.
//
//	Batch     plan ── ask ─────────────── shard shard shard ── dismiss ───────────── collect ── report
//	                   │        ▲                                 │          ▲
//	                   ▼        │ serving                         ▼          │ released, confirmed
//	Endpoint           create ── await ─── (owner? deadline?) ─── delete ── list ── look again
//
// Endpoint is no child of Batch. Temporal ends a workflow in ways in which none
// of its code runs: terminate, workflow timeout, a history that grew too large;
// a reset begins it anew from the middle. A defer, a child, or a parent that
// supervises leaks the endpoint in at least one of them. An independent
// workflow that was armed before anything was created does not: it releases on
// the first of
//
//   - its owner's dismissal,
//   - its owner's newest run being closed, in whatever way, which it sees within
//     ownerPoll,
//   - the deadline that it was given,
//   - a cancellation by hand,
//
// and then tries for ever, until the provider's own listing shows that the
// endpoint is gone or stopped. Two minutes later it looks once more, for a
// create that the provider carried out late.
//
// A job in mode provider-batch rents nothing, but what it has under way at the
// provider's own Batch API costs money just the same. Its Endpoint guards that:
// at the end it cancels the batches that the journals in the bucket show open.
// An endpoint that jobs name by its id has one Endpoint for all of them, so that
// only one has it at a time.
//
// # An endpoint that several jobs share
//
// Jobs whose endpoint has the same share name, and is the same in all else, find
// one Endpoint, since its id is made of both. Each ask is a lease. It ends when
// the job returns it by its dismissal, when the job is closed, which is watched
// for each, or when the job's own limit is reached, which ends that job and no
// other. While no job has a lease the endpoint lingers; then it is released. An
// ask that comes before keeps it, one that comes later waits for the next
// rental.
//
//	Batch a    ask ── shards ─────────────── return ── collect
//	Batch b            ask ── shards ───────────────── return ── collect
//	             │      │                      │         │
//	             ▼      ▼                      ▼         ▼        nobody asks
//	Endpoint   create ───── serving ────────────────────── linger ──────────── delete ── list ── look again
//
// A job that returns its share does not wait for the endpoint's end, and its
// report says who releases it; the last one, where there is no linger, waits and
// proves it as if it had been alone. What is billed is divided in equal parts
// among those who have a lease at the time, and is nobody's while it lingers:
// the parts add up to the whole, which is Endpoint's result. Replicas are not
// given back at a job's end, since another may need them at once.
//
// An endpoint's name carries one deadline, so a shared rental has a lifetime. At
// its end the jobs finish what is in flight and ask again. Each job watches its
// Endpoint as that watches the job: should it be terminated or reset by hand,
// they ask again within ownerPoll, and the new one, which finds the endpoint by
// its name, waits for them before it releases anything.
//
// # How they talk
//
// The two talk by signals that may come twice, late, or to a run that began
// after they were sent: ask and dismiss start an Endpoint if none is running,
// and the answer names the rental that it is about. So each can be killed and
// reset without the other's help. A Batch that is reset asks again and is told
// of the endpoint that it already has; one whose Endpoint was terminated by
// hand starts another by asking or dismissing again, and that one finds the
// endpoint by its name.
//
// # How a job comes by itself
//
// A schedule of Temporal's starts [Nightly], which fills in the job file's
// templates with the time for which the run is scheduled, and starts the job as
// a child: a Batch like any other, whose workflow id is its job's id, which
// Temporal's own ids for scheduled workflows could not be. Nightly ends as its
// job does, so that overlap and pause on failure go by the job, and hands on what
// input was completed last. A job that was completed with the same input, or
// for which there is none, ends as skipped when its input has been looked at.
//
// [Notify] tells a webhook of a job's end. Batch starts it last and does not wait:
// a receiver that is down keeps no job open, and fails none.
//
// # What guards the guard
//
// [Sweep] runs every ten minutes by a schedule that control workers install. It
// goes through the providers' listings and deletes what Endpoint missed, such
// as after a database was lost: endpoints of this installation that are past
// their deadline, or whose Batch and Endpoint are both gone (see package
// internal/sweep). While Temporal itself is out of reach, a control worker does
// by deadlines alone what Sweep would do, and so can a person without either:
// nightshift endpoints sweep.
//
// # What an endpoint is called
//
// Its name is made of the installation, the job and the deadline (see
// provider.Name), so creating is finding first: an attempt whose answer was
// lost, or whose worker died, is adopted by the next.
//
// # What lies where
//
// Temporal carries references and counts. Prompts and answers stay in the
// bucket: the plan, one fixed-width record a shard, the text of compressed
// inputs, and the parts, small objects of finished result lines that every
// attempt at a shard writes each few seconds under names of its own. An attempt begins by reading its
// predecessors' parts, so a killed worker repeats at most what was in flight or
// not yet flushed; heartbeats are hints for people who watch. The results are
// assembled from the parts when the endpoint is off, whatever the outcome, and
// not before every request of the plan is accounted for. What attempts measured
// lies beside their parts, each attempt's in an object of its own, and is merged
// then: it is for the report and decides nothing.
//
// # How a job ends
//
// Completed returns the report. Cancelled ends as Temporal's Canceled, expired
// and failed as Failed with one of the error types of package jobs; the report
// is in the error's details, in report.json and in report.html in each case. A job whose
// endpoint was not confirmed off in unconfirmedAfter fails with
// EndpointUnconfirmed, whatever else went well.
//
// # How it scales
//
// A shard is up to 10,000 requests or 16 MiB and costs three events; a window
// of 500 is open at once, and the run continues as new when Temporal suggests
// it, which is after about 1,300 shards. Workers of role data take shards; their
// number is the only thing to change for more throughput.
package workflows
