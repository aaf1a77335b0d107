package telemetry

import (
	"context"
	"maps"
	"sort"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// background is the context of all counting: a measurement has no deadline.
var background = context.Background()

// Try is one request on the wire.
type Try struct {
	Class    string // chat.Class; empty is "ok"
	Status   int    // HTTP status; 0 when there was no whole answer
	Took     time.Duration
	Sent     int // bytes of its body
	Received int // bytes of the answer's
}

// Target counts the requests to the endpoints of one provider and model. Its
// methods may be called on nil.
//
// It adds to plain counters, which the Metrics produce as OpenTelemetry's when
// somebody looks: OpenTelemetry's own instruments take four times as long and
// leave garbage, for each of some ten thousand requests a second.
type Target struct {
	labels    []attribute.KeyValue
	tokens    [2]atomic.Int64 // in and out
	payload   [2]atomic.Int64 // sent and received
	results   [2]atomic.Int64 // completed and failed
	series    atomic.Pointer[map[outcome]*series]
	durations atomic.Pointer[map[string]*durations] // by class
}

// outcome is what came of a request.
type outcome struct {
	class  string
	status int
}

// series counts one outcome.
type series struct {
	count     atomic.Int64
	durations *durations
}

// durations is a histogram.
type durations struct {
	buckets []atomic.Int64 // one more than latencyBuckets
	total   atomic.Int64   // nanoseconds
}

// Target returns what counts the requests of one provider and model.
func (m *Metrics) Target(provider, model string) *Target {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{provider, model}
	labels := []attribute.KeyValue{attribute.String("provider", provider), attribute.String("model", model)}
	if t := m.targets[key]; t == nil && len(m.targets) >= targetLimit {
		key = [2]string{}
		labels = []attribute.KeyValue{attribute.Bool("otel_metric_overflow", true)}
	}
	t := m.targets[key]
	if t == nil {
		t = &Target{labels: labels}
		t.series.Store(&map[outcome]*series{})
		t.durations.Store(&map[string]*durations{})
		m.targets[key] = t
	}
	return t
}

// targetLimit bounds the pairs of provider and model that are counted apart.
const targetLimit = 100

// Tried counts one request on the wire.
func (t *Target) Tried(try Try) {
	if t == nil {
		return
	}
	known := t.of(outcome{try.Class, try.Status})
	known.count.Add(1)
	known.durations.buckets[sort.SearchFloat64s(latencyBuckets, try.Took.Seconds())].Add(1)
	known.durations.total.Add(int64(try.Took))
	t.payload[0].Add(int64(try.Sent))
	t.payload[1].Add(int64(try.Received))
}

// Finished counts a result and the tokens that it tells.
func (t *Target) Finished(failed bool, input, output int64) {
	if t == nil {
		return
	}
	result := &t.results[0]
	if failed {
		result = &t.results[1]
	}
	result.Add(1)
	t.tokens[0].Add(input)
	t.tokens[1].Add(output)
}

// of looks an outcome up. There are a handful, and after the first seconds no
// new ones.
func (t *Target) of(o outcome) *series {
	for {
		before := t.series.Load()
		if known, ok := (*before)[o]; ok {
			return known
		}
		after := maps.Clone(*before)
		after[o] = &series{durations: t.durationsOf(o.class)}
		t.series.CompareAndSwap(before, &after)
	}
}

func (t *Target) durationsOf(class string) *durations {
	for {
		before := t.durations.Load()
		if known, ok := (*before)[class]; ok {
			return known
		}
		after := maps.Clone(*before)
		after[class] = &durations{buckets: make([]atomic.Int64, len(latencyBuckets)+1)}
		t.durations.CompareAndSwap(before, &after)
	}
}

// labelled returns the target's labels and more.
func (t *Target) labelled(more ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(append(more, t.labels...)...)
}

func classLabel(class string) attribute.KeyValue {
	if class == "" {
		class = "ok"
	}
	return attribute.String("class", class)
}

func statusLabel(status int) attribute.KeyValue {
	return attribute.String("status", strconv.Itoa(status))
}
