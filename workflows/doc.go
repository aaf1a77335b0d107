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
// A shard is a range of up to 10,000 requests or 16 MiB of one input. What grows
// with a job is the number of its shards; what is held or kept for each is not:
//
//   - Planning is one pass by one worker, and needs 24 bytes of temporary disk a
//     line to find repeated custom_ids.
//   - Temporal sees one activity a shard. A window of them, 500 at most, is open at once; when
//     Temporal suggests it, after 4,096 events, no more are begun, those that are
//     open end, and the run continues as new. Only counts and the number of the
//     next shard go along.
//   - A worker has 8 shards open and takes lines from one at a time, so they end
//     one after another. Bodies in memory are bounded, whatever the lines are like.
//   - Collecting is one pass by one worker, three shards in memory or on its disk,
//     when the endpoint is off.
//
// Workers of role data are the only thing to add for more requests a second.
// They need nothing of each other: a shard goes to whoever has a slot, and
// another that starts, or is stopped or killed, in mid-job changes nothing but
// the time. Each finds the endpoint's pace by itself.
//
// Measured on two processors that the workers shared with Temporal, the S3
// server and the simulated endpoint (nightshift-local scale; lines of 1 KB):
//
//	lines      workers  seconds of sending  of collecting  most memory of each  lines of each  events  lost, twice
//	1,000,000  1        44                  4              94 MB                all            712     0, 0
//	1,000,000  2        51                  4              91 and 87 MB         500,000 each   628     0, 0
//
// The most memory is as much in the first half of the lines as in the second, and
// within a few megabytes in collecting; half of it is the program's own text. A second worker is no
// faster there, since the two had no third processor to use. Ten million lines
// of 1 KB are checked, repeated custom_ids and all, in 31 seconds of one
// processor and 75 MB (nightshift check).
//
// A job of 100 million lines of 1 KB, by the same figures:
//
//   - planning reads 100 GB, 2 to 5 minutes of one processor, and 2.4 GB of
//     temporary disk;
//   - 10,000 shards cost 70,000 events at 7 a shard: 9 or 10 runs of some 7,600
//     events, for when 4,096 are there the window drains first; Temporal ends a
//     workflow at 51,200. Over the hours of sending that is less than an activity
//     a second, where one Temporal server on SQLite starts 300. The last shards of
//     a window leave some workers idle, for a part of a shard's time in each run;
//   - sending takes as long as the endpoint needs. One worker on less than two
//     processors sent 20,000 requests a second, which would be an hour and a half:
//     enough for 200 replicas that answer 100 a second each. A second one is for
//     when the first dies;
//   - parts are written every 3 seconds or megabyte: some 100,000 objects for 100
//     GB of answers;
//   - collecting reads and writes those once, by one worker, and took 4.4 seconds
//     for a million lines there: seven minutes, in which no GPU is rented. S3's
//     own concatenation cannot shorten it: no part is a range of a result file.
//     Lines lie in parts in the order in which they were finished, with the sums
//     by which later jobs reuse them, and the manifest promises a checksum of each
//     file as a whole, which no store tells of what it has joined.
//
// Beyond one machine nothing changes but where things are. Temporal runs on
// PostgreSQL with several servers, or is Temporal Cloud: what a job asks of it is
// a heartbeat a second for each open shard, and one in five seconds once it has
// run for ten, so 2 to 8 a second for each worker, and those few events a shard.
// What bounds the workers of a namespace is its limit of calls, by default 2,400
// a second for each frontend: 250 workers or more. A shard hears that it is
// cancelled with its next heartbeat. Temporal may be slow, or away for less than
// the heartbeat timeout since the last one, without any shard noticing; beyond
// that, shards begin anew with what was flushed. The bucket takes at most
// 16 puts every 3 seconds from each worker. Control workers are two, in
// different places, since they only watch. Data workers stand near the endpoint
// and the bucket rather than near Temporal.
//
// # How jobs share the workers
//
// Shards wait for a worker in one queue, first come first served. A job that
// put all of its thousands there would have others wait behind them, with their
// endpoints rented and idle. So a job keeps as many open as the workers that it
// has met can do, and one worker's worth more, up to 500: each result says
// which worker it is from. A worker in turn has room for more shards than one
// job gives it, and where jobs share an endpoint, takes their lines in turn.
package workflows
