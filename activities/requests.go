package activities

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/workflows"
)

// Requests sends requests and keeps their results.
type Requests struct {
	Store   *bucket.Store
	Targets *Targets
	memory  *semaphore.Weighted // bytes of request bodies in this process
	name    string              // of this process, to tell workers apart by
}

// memoryForBodies bounds the request bodies that a process holds; a line that
// is larger waits until it has the whole of it.
const memoryForBodies = 64 << 20

// bodyOverhead is what one outstanding request costs besides its body: a
// goroutine, buffers, its answer. An estimate that only has to be of the right
// order.
const bodyOverhead = 4 << 10

// NewRequests returns a Requests with its own memory bound.
func NewRequests(store *bucket.Store, targets *Targets) *Requests {
	return &Requests{Store: store, Targets: targets, memory: semaphore.NewWeighted(memoryForBodies), name: rand.Text()[:10]}
}

// RunShard sends the requests of one shard that have no result yet and writes
// the results into the bucket every few seconds. An attempt that follows a
// lost one begins with what that one flushed; attempts that overlap may send a
// request twice, and one answer counts. On cancellation and on SIGTERM it takes
// no more lines, gives what is in flight drainTime, and flushes; a pause of the
// job gives it all the time that it needs. It heartbeats
// a ShardBeat, and a cancelled one tells in a ShardDone how far it came. Errors: EndpointLost, Unauthorized, InputChanged, NotFound,
// BucketDenied.
func (a *Requests) RunShard(ctx context.Context, call workflows.ShardCall) (done workflows.ShardDone, err error) {
	run, err := a.begin(ctx, call)
	if err != nil {
		return workflows.ShardDone{}, sorted(err)
	}
	defer func() { run.count(err) }()
	defer run.leave()
	defer beating(ctx, func() any { return run.beat() })()

	err = run.send(ctx)
	if stopped := context.Cause(run.taking); stopped != nil {
		err = stopped
	}
	if err := cmp.Or(run.parts.close(), err); err != nil {
		return workflows.ShardDone{}, sorted(run.kept(err))
	}
	return run.tally(), nil
}

// shardRun is one attempt at one shard.
type shardRun struct {
	*Requests
	*openShard
	taking   context.Context         // ends when no more lines are to be taken
	stop     context.CancelCauseFunc // ends it, with the reason
	target   *target
	turn     *semaphore.Weighted // see lineTurns
	leave    func()
	inFlight atomic.Int64
	hedging  *hedging
	defaults batchfile.Defaults

	firstSent, lastAnswer atomic.Int64 // Unix nanoseconds; 0 is never
}

func (a *Requests) begin(ctx context.Context, call workflows.ShardCall) (*shardRun, error) {
	run := &shardRun{Requests: a}
	run.taking, run.stop = context.WithCancelCause(ctx)
	opened, err := newOpenShard(ctx, a.Store, a.Targets.Metrics, call, run.stop)
	if err != nil {
		return nil, err
	}
	run.openShard = opened
	run.hedging, run.defaults = newHedging(int64(run.shard.Requests)), batchfile.NewDefaults(call.Requests.Defaults)
	run.target, run.turn, run.leave, err = a.Targets.use(call)
	if err != nil {
		opened.count(err)
		return nil, errors.Join(err, opened.parts.close())
	}
	return run, nil
}

// drainTime is how long requests in flight may go on once no more are taken:
// an answer that is nearly there has been paid for.
const drainTime = 10 * time.Second

// errStopping is the worker's shutdown: another worker goes on at once.
var errStopping = waiting("the worker is shutting down; the shard goes on elsewhere", 10*time.Millisecond)

// send sends the shard's lines without a result, as many at once as the
// endpoint's pace allows. It returns when none is in flight.
func (run *shardRun) send(ctx context.Context) error {
	inFlight, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(run.taking, func() { run.drain(ctx, inFlight, cut) })()
	defer stopWithWorker(ctx, run.stop)()

	if err := run.turn.Acquire(run.taking, 1); err != nil {
		return err
	}
	lines := newLines(run.taking, run.memory, run.ordered())
	senders := newSenders(run, lines, inFlight)
	senders.addUntilOver()
	run.turn.Release(1)
	close(run.hedging.taken)
	senders.finish()
	return lines.close()
}

func (run *shardRun) beat() workflows.ShardBeat {
	done := run.tally()
	return workflows.ShardBeat{
		Shard: done.Shard, Completed: done.Completed, Failed: done.Failed,
		InFlight: int(run.inFlight.Load()), Tokens: done.Usage.InputTokens + done.Usage.OutputTokens,
	}
}

func (run *shardRun) tally() workflows.ShardDone {
	completed, failed, usage := run.parts.counts()
	return workflows.ShardDone{
		Shard: run.call.Shard, Completed: completed, Failed: failed, Usage: usage,
		Hedged: run.hedging.hedged.Load(), Worker: run.name,
		Sent: workflows.Sent{First: moment(&run.firstSent), Last: moment(&run.lastAnswer)},
	}
}

func moment(nanoseconds *atomic.Int64) time.Time {
	if at := nanoseconds.Load(); at != 0 {
		return time.Unix(0, at).UTC()
	}
	return time.Time{}
}
