package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observing reads gauges together. A gauge that nobody tells about any more
// ends.
func observing(gauges []metric.Float64ObservableGauge, read func() []reading) metric.Callback {
	return func(_ context.Context, into metric.Observer) error {
		for _, r := range read() {
			into.ObserveFloat64(gauges[r.gauge], r.value, metric.WithAttributeSet(r.labels))
		}
		return nil
	}
}

// gathered is what a value belongs to.
type gathered struct {
	gauge  int
	labels attribute.Distinct
}

// sums adds up readings by their labels, since a gauge that is told twice keeps
// the last.
type sums struct {
	values map[gathered]float64
	labels map[attribute.Distinct]attribute.Set
}

func newSums() *sums {
	return &sums{map[gathered]float64{}, map[attribute.Distinct]attribute.Set{}}
}

// add adds values to the gauges with those labels, the first to the first.
func (s *sums) add(labels attribute.Set, values ...float64) {
	s.labels[labels.Equivalent()] = labels
	for gauge, value := range values {
		s.values[gathered{gauge, labels.Equivalent()}] += value
	}
}

func (s *sums) readings() (all []reading) {
	for key, value := range s.values {
		all = append(all, reading{key.gauge, value, s.labels[key.labels]})
	}
	return all
}

// Pace is how an endpoint is sent to at this moment.
type Pace struct {
	Provider, Model string
	InFlight        int
	Limit           int  // of requests in flight
	Waiting         int  // requests that wait for a place
	Cooling         bool // nothing is sent, since the endpoint asked for a pause
	Throughput      float64
	Cooldowns       int64 // begun so far
}

// WatchTargets tells how endpoints are sent to, as read says whenever somebody
// looks.
func (m *Metrics) WatchTargets(read func() []Pace) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paces = append(m.paces, read)
}

// paceNow reads all that is watched.
func (m *Metrics) paceNow() (all []Pace) {
	m.mu.Lock()
	reads := m.paces
	m.mu.Unlock()
	for _, read := range reads {
		all = append(all, read()...)
	}
	return all
}

func (m *Metrics) observePace() []reading {
	all := newSums()
	for _, p := range m.paceNow() {
		cooling := 0.
		if p.Cooling {
			cooling = 1
		}
		labels := attribute.NewSet(attribute.String("provider", p.Provider), attribute.String("model", p.Model))
		all.add(labels, float64(p.InFlight), float64(p.Limit), float64(p.Waiting), cooling, p.Throughput)
	}
	return all.readings()
}

// WatchReady tells whether the process does its work, as ready says whenever
// somebody looks.
func (m *Metrics) WatchReady(ready func(context.Context) error) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = ready
}

func (m *Metrics) observeReady() []reading {
	m.mu.Lock()
	ready := m.ready
	m.mu.Unlock()
	switch {
	case ready == nil:
		return nil
	case ready(background) != nil:
		return []reading{{value: 0}}
	}
	return []reading{{value: 1}}
}

// Shard is an attempt at a shard that is under way.
type Shard struct {
	metrics         *Metrics
	provider, model attribute.KeyValue
	requests        int
	done            func() int64
}

// OpenShard counts a shard as open until it is closed. done tells how many of
// its requests have their result.
func (m *Metrics) OpenShard(provider, model string, requests int, done func() int64) *Shard {
	if m == nil {
		return nil
	}
	s := &Shard{m, attribute.String("provider", provider), attribute.String("model", model), requests, done}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shardsNow[s] = struct{}{}
	return s
}

// Close says how the attempt ended.
func (s *Shard) Close(outcome string) {
	if s == nil {
		return
	}
	s.metrics.mu.Lock()
	delete(s.metrics.shardsNow, s)
	s.metrics.mu.Unlock()
	s.metrics.shards.Add(background, 1, with(s.provider, s.model, attribute.String("outcome", outcome)))
}

func (m *Metrics) observeShards() []reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := newSums()
	for s := range m.shardsNow {
		all.add(attribute.NewSet(s.provider, s.model), 1, float64(s.requests), float64(s.done()))
	}
	return all.readings()
}

// Rental is an endpoint that this process looks after.
type Rental struct {
	metrics         *Metrics
	provider, model attribute.KeyValue

	mu     sync.Mutex
	phase  string
	billed float64 // replica seconds that are counted
	began  time.Time
}

// LookAfter counts an endpoint until Close. Of an endpoint that was looked after
// before, billed are the replica seconds until now, which are not counted again.
func (m *Metrics) LookAfter(provider, model, phase string, billed float64) *Rental {
	if m == nil {
		return nil
	}
	r := &Rental{
		metrics: m, provider: attribute.String("provider", provider), model: attribute.String("model", model),
		phase: phase, billed: billed, began: time.Now(),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rentals[r] = struct{}{}
	return r
}

// Seen notes the phase that the provider tells.
func (r *Rental) Seen(phase string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase = phase
}

// Billed notes what the meter shows by now, in replica seconds.
func (r *Rental) Billed(seconds float64) {
	if r == nil {
		return
	}
	r.mu.Lock()
	more := seconds - r.billed
	r.billed = max(seconds, r.billed)
	r.mu.Unlock()
	if more > 0 {
		r.metrics.billed.Add(background, more, with(r.provider, r.model))
	}
}

// Released counts an attempt at a release. "confirmed" means that the provider's
// listing shows the end.
func (r *Rental) Released(outcome string) {
	if r == nil {
		return
	}
	r.metrics.releases.Add(background, 1, with(r.provider, attribute.String("outcome", outcome)))
	if outcome == "confirmed" {
		r.metrics.releasing.Record(background, time.Since(r.began).Seconds(), with(r.provider))
	}
}

// Close ends it.
func (r *Rental) Close() {
	if r == nil {
		return
	}
	r.metrics.mu.Lock()
	defer r.metrics.mu.Unlock()
	delete(r.metrics.rentals, r)
}

// Created counts an endpoint that was asked for: "created", "adopted", or what
// went wrong.
func (m *Metrics) Created(provider, outcome string) {
	if m == nil {
		return
	}
	m.created.Add(background, 1, with(attribute.String("provider", provider), attribute.String("outcome", outcome)))
}

func (m *Metrics) observeRentals() []reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := newSums()
	for r := range m.rentals {
		r.mu.Lock()
		all.add(attribute.NewSet(r.provider, attribute.String("phase", r.phase)), 1)
		r.mu.Unlock()
	}
	return all.readings()
}
