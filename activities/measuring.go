package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/stats"
)

// Measurements lie in an object of their own for each attempt at a shard, which
// the attempt replaces every measureEvery and when it ends. They never say more
// than the parts do: what an object counts was in the bucket before it. So a
// killed attempt leaves out what it measured last, and counts nothing that is
// lost.
//
// They are for the report and decide nothing: where they cannot be written or
// read, the job goes on without.

// measureEvery is what a killed attempt's measurements lack at most. Each time
// is a small put.
const measureEvery = 30 * time.Second

// measuring is the measurements of one attempt at a shard.
type measuring struct {
	stats.Recorder
	store *bucket.Store
	url   string
	due   time.Time
}

func newMeasuring(ctx context.Context, store *bucket.Store, work workspace, shard int) *measuring {
	name := fmt.Sprintf("%d-%s", activity.GetInfo(ctx).Attempt, strconv.FormatInt(rand.Int64N(36*36*36*36), 36))
	return &measuring{store: store, url: work.measured(shard, name), due: time.Now().Add(measureEvery)}
}

// take returns what was measured if it is to be written after the next flush,
// else nil. The flush must begin afterwards: a result is in a part, or about to
// be, before it is measured.
func (m *measuring) take(last bool) *stats.Measurements {
	if !last && time.Now().Before(m.due) {
		return nil
	}
	m.due = time.Now().Add(measureEvery)
	measured := m.Snapshot()
	if measured.Attempts == 0 {
		return nil
	}
	return &measured
}

// write puts what take returned.
func (m *measuring) write(ctx context.Context, measured *stats.Measurements) {
	if measured == nil {
		return
	}
	putting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	text, err := json.Marshal(measured)
	if err == nil {
		_, err = m.store.Put(putting, m.url, text, bucket.PutOptions{ContentType: "application/json"})
	}
	if err != nil {
		activity.GetLogger(ctx).Warn("the report will lack what this attempt measured", "error", err)
	}
}

// tryOf is what one request on the wire came to.
func tryOf(class chat.Class, final bool, began time.Time, took time.Duration, usage batchfile.Usage) stats.Try {
	kind := stats.Failed
	switch class {
	case chat.OK:
		kind = stats.Answered
	case chat.Refused:
		kind = stats.Refused
	case chat.Throttled:
		kind = stats.Throttled
	case chat.Gone:
		kind = stats.Gone
	}
	return stats.Try{
		Began: began, Took: took, Kind: kind, Final: final,
		InputTokens: usage.InputTokens, OutputTokens: usage.OutputTokens,
	}
}

// measure puts together what all attempts measured, and the errors by class if
// all result lines were seen.
func (c *collection) measure(ctx context.Context, whole bool) {
	all := mergeMeasurements(ctx, c.Store, c.work)
	if whole {
		all.Errors = c.faults
	}
	if err := putJSON(ctx, c.Store, c.work.measurements(), all); err != nil {
		activity.GetLogger(ctx).Warn("the report will lack measurements", "error", err)
	}
}

// readersOfMeasurements is how many objects are read at once.
const readersOfMeasurements = 8

// mergeMeasurements adds up what all attempts of a job measured. It leaves out
// what it cannot read.
func mergeMeasurements(ctx context.Context, store *bucket.Store, work workspace) *stats.Measurements {
	all := &stats.Measurements{}
	merged := make(chan *stats.Measurements)
	var reading errgroup.Group
	reading.SetLimit(readersOfMeasurements)
	go func() {
		defer close(merged)
		for object, err := range store.List(ctx, work.allMeasured()) {
			if err != nil {
				activity.GetLogger(ctx).Warn("the report will lack measurements", "error", err)
				break
			}
			reading.Go(func() error {
				one, err := readMeasurements(ctx, store, object.URL)
				if err != nil {
					activity.GetLogger(ctx).Warn("the report will lack what an attempt measured", "error", err)
					return nil
				}
				merged <- one
				return nil
			})
		}
		_ = reading.Wait()
	}()
	for one := range merged {
		all.Merge(one)
	}
	return all
}

// readMeasurements returns nothing measured for an object that does not exist.
func readMeasurements(ctx context.Context, store *bucket.Store, url string) (*stats.Measurements, error) {
	reader, err := store.Open(ctx, url, bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return &stats.Measurements{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("measurements: %w", err)
	}
	defer reader.Close()
	var measured stats.Measurements
	if err := json.NewDecoder(reader).Decode(&measured); err != nil {
		return nil, fmt.Errorf("decode %s: %w", url, err)
	}
	return &measured, nil
}
