package activities

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/workflows"
)

// ProviderBatches runs shards as batches of a provider's own Batch API, one
// batch a shard.
type ProviderBatches struct {
	Store   *bucket.Store
	Open    OpenBatches
	Metrics *telemetry.Metrics
}

// OpenBatches makes the client of a provider's Batch API. Of an address, it
// looks at the provider and, if it has one, at the base URL, which stands in
// place of the operator's or the provider's own.
type OpenBatches func(workflows.Address) (*batchapi.Client, error)

// NewOpenBatches returns an OpenBatches with the operator's settings.
func NewOpenBatches(providers Providers) OpenBatches {
	return func(address workflows.Address) (*batchapi.Client, error) {
		settings := providers[address.Provider]
		settings.BaseURL = cmp.Or(address.BaseURL, settings.BaseURL)
		return registry.OpenBatches(address.Provider, settings)
	}
}

// RunShardAsBatch is RunShard by other means: it uploads the requests of one
// shard that have no result yet, has the provider make a batch of them, waits
// for its end, and writes the results into the bucket as the parts that RunShard
// would have written. Of the call's Requests nothing is looked at: pace,
// timeouts and attempts are the provider's.
//
// # What may run twice, and what it costs
//
// The journal in the bucket (batchJournal) makes attempts agree, also those
// that overlap: the first to write down an uploaded file decides which file it
// is, nobody creates a batch without having written that down before, and
// whoever finds such an entry without the batch's id looks for the file's batch
// among the account's for createSettles before it makes one. So a killed
// worker's successor goes on with the same batch, at once or within that time.
// A second batch, which is charged for, comes about only if the provider makes
// the first later than createSettles after it was asked to; the attempt that
// finds itself with one too many cancels it. Uploads and downloads may happen
// twice and cost nothing; a file whose upload was cut off stays with the
// provider.
//
// # How it ends
//
// Every request of a batch that has completed gets a result: what is in
// neither file, three times asked for, becomes an error line with the code
// result_missing. What an expired batch never reached becomes batch_expired, and
// batch_cancelled what a batch never reached that somebody else cancelled. What
// the provider answered for is kept in each of these cases.
//
// On cancellation it cancels the provider's batch, waits for its end for at most
// cancelPatience, and keeps what was answered; the rest has no result, and a
// later attempt puts it into another batch. The worker's shutdown leaves the batch
// alone. When the job is terminated, or this attempt's worker dies while it
// cancels, the job's Endpoint workflow cancels what the journals show under way (see
// ReleaseEndpoint). Uploaded and downloaded files are deleted once the results
// lie in the bucket, but for Lyceum, whose API has no call for it.
//
// It heartbeats a ShardBeat, with the provider's counts where it tells them. It
// holds a slot of its worker for as long as the batch takes, up to a day.
//
// Errors: EndpointRefused if the provider refuses the batch, or fails it as a
// whole, with its reason; Unauthorized; NoCapacity if the account has no money
// left; EndpointLost if the provider no longer knows the batch, after which
// another attempt makes a new one; EndpointUnconfirmed if a cancelled batch does
// not end, with its id; InputChanged, NotFound, BucketDenied.
func (a *ProviderBatches) RunShardAsBatch(ctx context.Context, call workflows.ShardCall) (done workflows.ShardDone, err error) {
	run, err := a.begin(ctx, call)
	if err != nil {
		return workflows.ShardDone{}, sortedBatch(err)
	}
	defer func() { run.count(err) }()
	defer run.stop(nil)
	defer beating(ctx, func() any { return run.beat() })()
	defer stopWithWorker(ctx, run.stop)()

	err = run.toTheEnd()
	if broken := run.parts.close(); broken != nil {
		return workflows.ShardDone{}, run.ended(broken)
	}
	if err == nil { // else what the provider still has is needed
		err = run.tidyUp()
	}
	if err != nil {
		return workflows.ShardDone{}, run.ended(err)
	}
	if run.pending() > 0 {
		err := cmp.Or(run.refusal(), context.Cause(run.ending), waiting("the batch was cancelled; the rest goes into another", 10*time.Millisecond))
		return workflows.ShardDone{}, run.ended(err)
	}
	return run.tally(), nil
}

// batchRun is one attempt at one shard.
type batchRun struct {
	*openShard
	ctx     context.Context // the activity's
	api     *batchapi.Client
	journal *batchJournal
	ids     [][]byte       // custom_ids of the requests that had no result at first, by request of the shard
	sums    []uint64       // batchfile.RequestSum of the same
	size    int64          // of the file to upload
	over    batchapi.Batch // as it was when it ended, if it did

	ending context.Context         // ends with the activity, the worker, or the bucket
	stop   context.CancelCauseFunc // ends it, with the reason
	calls  context.Context         // of calls to the provider: goes on while the activity is cancelled

	told        atomic.Pointer[batchapi.Batch] // the latest reading
	sent        int64                          // requests that a batch would have, or has
	first, last atomic.Int64                   // Unix nanoseconds: when it was known to run, and last seen
}

func (a *ProviderBatches) begin(ctx context.Context, call workflows.ShardCall) (*batchRun, error) {
	api, err := a.Open(call.Address)
	if err != nil {
		return nil, err
	}
	run := &batchRun{ctx: ctx, api: api}
	run.ending, run.stop = context.WithCancelCause(ctx)
	if run.openShard, err = newOpenShard(ctx, a.Store, a.Metrics, call, run.stop); err != nil {
		run.stop(nil)
		return nil, err
	}
	var cut context.CancelFunc
	run.calls, cut = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(run.ending, func() {
		if !run.cancelled() {
			cut()
		}
	})
	run.journal = &batchJournal{store: a.Store, entry: func(number int) string {
		return run.work.batchEntry(call.Shard, api.Dialect().Name, number)
	}}
	if err = run.journal.load(ctx); err == nil {
		err = run.survey()
	}
	if err != nil {
		run.stop(nil)
		run.count(err)
		return nil, errors.Join(err, run.parts.close())
	}
	return run, nil
}

// cancelled reports whether somebody wants the shard to end. Other ends of the
// activity's context (a shutdown, a time limit, a server that has given the
// shard to another attempt) leave the batch to whoever goes on.
func (run *batchRun) cancelled() bool { return temporal.IsCanceledError(context.Cause(run.ending)) }

// toTheEnd sees to it that all that can have a result has one in parts.
func (run *batchRun) toTheEnd() error {
	if run.pending() == 0 {
		return nil
	}
	id, err := run.submit()
	if err != nil {
		return err
	}
	if run.over, err = run.await(id); err != nil {
		return err
	}
	if err := run.fetch(); err != nil {
		return err
	}
	return run.settle()
}

// ended is the error of an attempt: what made it stop comes before what that
// led to, unless the latter is something that somebody must know.
func (run *batchRun) ended(err error) error {
	cause := context.Cause(run.ending)
	if _, told := errors.AsType[*temporal.ApplicationError](err); told || cause == nil {
		return sortedBatch(err)
	}
	return sortedBatch(cause)
}

// sortedBatch is sorted, but for one thing: a quota of requests or tokens that
// wait at once is used up by other batches, and free again when they are done.
func sortedBatch(err error) error {
	refused, ok := errors.AsType[*provider.Error](err)
	if ok && refused.Kind == provider.Capacity && refused.Status != statusPaymentRequired {
		return waiting(err.Error(), max(quotaPause, refused.RetryAfter))
	}
	return sorted(err)
}

const (
	statusPaymentRequired = 402
	quotaPause            = time.Minute
)
