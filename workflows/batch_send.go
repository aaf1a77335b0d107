package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// send runs shards until none is left, the job is to end, the endpoint is lost
// or to be given back for a pause, or the history has grown enough to continue
// as new.
func (b *batch) send() {
	for b.dispatch(); b.held != nil && b.standStill(); {
		b.dispatch()
	}
}

// dispatch is send until the next pause.
func (b *batch) dispatch() {
	b.aside = ShardDone{}
	b.enter(jobs.Running)
	serving, abandon := workflow.WithCancel(b.work)
	b.abandon = abandon
	for b.sending() && !workflow.GetInfo(b.life).GetContinueAsNewSuggested() {
		shard := b.state.take()
		b.open++
		workflow.Go(b.life, func(own workflow.Context) {
			b.runShard(own, serving, shard)
			b.open--
		})
		b.until(func() bool { return b.open < b.window() || !b.sending() })
	}
	b.until(func() bool { return b.open == 0 || b.held != nil })
}

func (b *batch) sending() bool {
	return b.outcome == "" && !b.stale && b.held == nil && b.state.unsent()
}

// runShard runs one shard to its end, or as far as it gets: what it has done by
// then lies in the bucket, and another attempt goes on from there.
func (b *batch) runShard(own, serving workflow.Context, shard int) {
	var done ShardDone
	err := b.callShard(serving, shard).Get(own, &done)
	switch {
	case err == nil:
		b.done++
		b.workers.finished(done.Worker)
		b.state.Report.Counts.Completed += done.Completed
		b.state.Report.Counts.Failed += done.Failed
		b.state.Report.Usage.Add(done.Usage)
		b.state.Report.Hedged += done.Hedged
		b.state.Sent.Add(done.Sent)
		b.showProgress()
	case b.outcome != "":
		b.setAside(err)
	case b.stale || b.finishing && temporal.IsCanceledError(err):
		b.setAside(err)
		b.state.Again = append(b.state.Again, shard)
	case errorType(err) == jobs.EndpointLost:
		b.state.Again = append(b.state.Again, shard)
		b.lost(errorText(err))
	default:
		b.failWith(err)
	}
}

// lost notes that the endpoint no longer serves, and ends what is open. Another
// is rented for the rest, a bounded number of times.
func (b *batch) lost(why string) {
	b.finishing = false // nothing in flight will be answered
	if b.stale {
		return
	}
	b.stale = true
	b.abandon()
	b.countLoss(why)
}

func (b *batch) countLoss(why string) {
	b.state.Lost++
	if b.state.Lost >= maxLost {
		b.end(jobs.Failed, jobs.EndpointLost, fmt.Sprintf("the endpoint was lost %d times; last: %s", b.state.Lost, why))
	}
}

// handOver reports whether the job goes on in a new run with a fresh history:
// send stopped for no other reason.
func (b *batch) handOver() bool {
	return b.news.Stage == Serving && b.sending()
}

// take returns the next shard to run.
func (s *BatchState) take() int {
	if last := len(s.Again) - 1; last >= 0 {
		shard := s.Again[last]
		s.Again = s.Again[:last]
		return shard
	}
	next := s.Next
	s.Next++
	s.pass()
	return next
}

func (s *BatchState) unsent() bool { return len(s.Again) > 0 || s.Next < s.Plan.Shards }

// until waits for a condition. It cannot fail: the context of a job's life is
// never cancelled.
func (b *batch) until(condition func() bool) {
	_ = workflow.Await(b.life, condition)
}
