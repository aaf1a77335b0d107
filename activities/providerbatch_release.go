package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/batchapi"
	"github.com/nightshift-run/nightshift/workflows"
)

// batchPoll is how often batches that are being ended are looked at.
const batchPoll = 2 * time.Second

// batchRelease ends what a job has under way at a provider's own Batch API. The
// journals in the bucket say what that is, so it needs neither names nor metadata, which
// not every API keeps.
type batchRelease struct {
	api   *batchapi.Client
	store *bucket.Store
	work  workspace
	found int
	asked time.Time // when the provider first took note of a cancellation
	beat  atomic.Pointer[workflows.EndpointBeat]
}

// releaseBatches is ReleaseEndpoint for a job in mode provider-batch. What it
// cancels stays in the journals as cancelling: a job that is reset goes on from
// there, and loses no answer.
func (e *Endpoints) releaseBatches(ctx context.Context, call workflows.ReleaseCall, asked time.Time) (workflows.EndpointReleased, error) {
	api, err := NewOpenBatches(e.Providers)(workflows.BatchAddress(call.Endpoint))
	if err != nil {
		return workflows.EndpointReleased{}, err
	}
	r := &batchRelease{api: api, store: e.Store, work: workspaceOf(call.Output, call.Job), asked: asked}
	r.note(nil)
	defer beating(ctx, func() any { return *r.beat.Load() })()
	open, err := r.journals(ctx)
	if err != nil {
		return workflows.EndpointReleased{}, err
	}
	for until := time.Now().Add(releaseAttempt); ; {
		open, err = r.round(ctx, open)
		ids := idsOf(open)
		r.note(ids)
		switch late := time.Now().After(until); {
		case len(open) == 0 && err == nil:
			return workflows.EndpointReleased{Found: r.found, StopAsked: r.asked, Confirmed: time.Now(), How: r.how()}, nil
		case late && call.Tell && len(ids) > 0:
			return workflows.EndpointReleased{Found: r.found, StopAsked: r.asked, Open: ids}, nil
		case late:
			return workflows.EndpointReleased{}, errors.Join(fmt.Errorf("batches of %s not confirmed over after %s: %s",
				api.Dialect().Name, releaseAttempt, strings.Join(ids, ", ")), err)
		}
		if !pause(ctx, max(batchPoll, retryAfter(err))) {
			return workflows.EndpointReleased{}, context.Cause(ctx)
		}
	}
}

// note is what is heartbeat from now on.
func (r *batchRelease) note(open []string) {
	beat := workflows.EndpointBeat{Phase: string(provider.Stopping), Detail: "looking for batches under way", StopAsked: r.asked}
	if len(open) > 0 {
		beat.Detail = "ending " + strings.Join(open, ", ")
	}
	r.beat.Store(&beat)
}

// maxTold bounds the ids that are told; a job has fewer open at once.
const maxTold = 50

func idsOf(open []*batchJournal) (ids []string) {
	for _, j := range open[:min(len(open), maxTold)] {
		ids = append(ids, cmp.Or(j.last.Batch, "one of file "+j.last.Input))
	}
	return ids
}

func (r *batchRelease) how() string {
	if r.found == 0 {
		return "none of its batches is under way"
	}
	return "the provider shows all of its batches ended"
}

// journals reads how far each shard's batch has come, and returns those that may
// not have ended.
func (r *batchRelease) journals(ctx context.Context) (open []*batchJournal, err error) {
	for j, err := range r.lastEntries(ctx) {
		if err != nil {
			return nil, fmt.Errorf("look for batch journals: %w", err)
		}
		j.number-- // so that only its last entry is read
		if err := j.load(ctx); err != nil {
			return nil, err
		}
		if j.last.Step != batchEnded {
			open = append(open, j)
		}
	}
	return open, nil
}

// lastEntries yields each shard's journal, unread, at its last entry: the
// listing is in order, so that is the last one listed of the shard.
func (r *batchRelease) lastEntries(ctx context.Context) iter.Seq2[*batchJournal, error] {
	return func(yield func(*batchJournal, error) bool) {
		var last *batchJournal
		for object, err := range r.store.List(ctx, bucket.Join(string(r.work), "parts")+"/") {
			if err != nil {
				yield(nil, err)
				return
			}
			next := r.journal(object.URL)
			if next != nil && last != nil && next.entry(0) != last.entry(0) && !yield(last, nil) {
				return
			}
			if next != nil {
				last = next
			}
		}
		if last != nil {
			yield(last, nil)
		}
	}
}

// journal is the one that an object is an entry of, or nil.
func (r *batchRelease) journal(url string) *batchJournal {
	var shard, number int
	name := r.api.Dialect().Name
	if _, err := fmt.Sscanf(path.Base(url), "batch-"+name+"-%d.json", &number); err != nil {
		return nil
	}
	if _, err := fmt.Sscanf(path.Base(path.Dir(url)), "%d", &shard); err != nil {
		return nil
	}
	return &batchJournal{store: r.store, number: number, entry: func(number int) string { return r.work.batchEntry(shard, name, number) }}
}

// round takes a step for each batch, and returns those that have not ended.
func (r *batchRelease) round(ctx context.Context, open []*batchJournal) (left []*batchJournal, err error) {
	var errs []error
	for _, j := range open {
		over, err := r.step(ctx, j)
		if errors.Is(err, errOvertaken) { // an attempt at the shard is still at it: the next round sees what it wrote
			err = nil
		}
		errs = append(errs, err)
		if !over {
			left = append(left, j)
		}
	}
	r.found = max(r.found, len(left))
	return left, errors.Join(errs...)
}

// step brings one batch nearer to its end, and reports whether it is there.
func (r *batchRelease) step(ctx context.Context, j *batchJournal) (over bool, err error) {
	switch j.last.Step {
	case batchUploaded: // nobody may make a batch of that file any more
		err := j.append(ctx, batchEntry{Step: batchEnded, Input: j.last.Input, Status: "the job is over"})
		return err == nil, err
	case batchCreating:
		batch, found, err := r.api.Find(ctx, j.last.Input)
		switch {
		case err != nil:
			return false, err
		case !found: // left as it is, for a look later
			return time.Since(j.last.At) >= createSettles, nil
		}
		return false, j.append(ctx, batchEntry{Step: batchCreated, Input: j.last.Input, Batch: batch.ID})
	case batchCreated, batchCancelling:
		return r.cancel(ctx, j)
	}
	return true, nil
}

// cancel asks for a batch's end unless it is over.
func (r *batchRelease) cancel(ctx context.Context, j *batchJournal) (over bool, err error) {
	id := j.last.Batch
	batch, err := r.api.Describe(ctx, id)
	switch {
	case provider.Absent(err):
		return time.Since(j.last.At) >= absentFor, nil
	case err != nil:
		return false, err
	case batch.Phase != batchapi.Running:
		return true, nil
	}
	if j.last.Step != batchCancelling {
		if err := j.append(ctx, batchEntry{Step: batchCancelling, Input: j.last.Input, Batch: id}); err != nil {
			return false, err
		}
	}
	if err := r.api.Cancel(ctx, id); err != nil {
		return false, err
	}
	if r.asked.IsZero() {
		r.asked = time.Now()
	}
	return false, nil
}
