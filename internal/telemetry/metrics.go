package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// latencyBuckets are for answers of models: from a cached embedding to the
// default time limit of a request, in seconds.
var latencyBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600}

// releaseBuckets are for the time from wanting an endpoint gone to the proof, in
// seconds.
var releaseBuckets = []float64{.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600}

// Metrics counts what happens in a process. Its methods may be called from
// several goroutines, and on nil.
type Metrics struct {
	meter metric.Meter
	since time.Time // when counting began

	shards metric.Int64Counter
	stored metric.Int64Counter

	created    metric.Int64Counter
	billed     metric.Float64Counter
	releases   metric.Int64Counter
	releasing  metric.Float64Histogram
	sweeps     metric.Int64Counter
	swept      metric.Int64Counter
	lastSweep  metric.Float64Gauge
	jobs       metric.Int64Counter
	jobCost    metric.Float64Counter
	jobSeconds metric.Float64Counter

	readBytes, writtenBytes metric.MeasurementOption

	mu        sync.Mutex
	paces     []func() []Pace
	ready     func(context.Context) error
	shardsNow map[*Shard]struct{}
	rentals   map[*Rental]struct{}
	targets   map[[2]string]*Target
}

func newMetrics() *Metrics {
	return &Metrics{
		since: time.Now(), shardsNow: map[*Shard]struct{}{}, rentals: map[*Rental]struct{}{}, targets: map[[2]string]*Target{},
		readBytes:    with(attribute.String("operation", "read")),
		writtenBytes: with(attribute.String("operation", "write")),
	}
}

// begin makes the instruments.
func (m *Metrics) begin(meter metric.Meter) error {
	m.meter = meter
	make := maker{meter: meter}
	m.shards = make.counter("nightshift_shards", "Attempts at shards that ended.")
	m.stored = make.counter("nightshift_bucket_bytes", "Bytes of objects that were read and written.")
	m.created = make.counter("nightshift_endpoint_creations", "Endpoints that were asked for.")
	m.billed = make.sum("nightshift_billed_replica_seconds", "Seconds of ready replicas, which is what providers bill.")
	m.releases = make.counter("nightshift_releases", "Attempts to give an endpoint back, by whether the provider's listing confirmed it.")
	m.releasing = make.histogram("nightshift_release_duration", "From the begin of a release to the listing's confirmation.", releaseBuckets)
	m.sweeps = make.counter("nightshift_sweeps", "Searches for endpoints that nobody will release any more.")
	m.swept = make.counter("nightshift_sweep_endpoints", "Endpoints that sweeps found, by what became of them.")
	m.lastSweep = make.gauge("nightshift_sweep_last_success_timestamp", "When a sweep last saw every account without a problem, in seconds since 1970.", "s")
	m.jobs = make.counter("nightshift_jobs", "Jobs that ended and left a report.")
	m.jobCost = make.sum("nightshift_job_cost", "Cost of the jobs that ended, where prices are known.")
	m.jobSeconds = make.sum("nightshift_job_gpu_seconds", "Billed GPU seconds of the jobs that ended.")
	make.observe(m.observeShards, "nightshift_shards_open", "Shards that this process has open.",
		"nightshift_shard_requests", "Requests of the open shards.", "nightshift_shard_results", "Requests of the open shards that have their result.")
	make.observe(m.observeRentals, "nightshift_endpoints", "Endpoints that this process looks after, by the phase that the provider tells.")
	make.observe(m.observePace, "nightshift_requests_in_flight", "Requests in flight.",
		"nightshift_pace_limit", "Requests that may be in flight at once, as pace has found out or the job says.",
		"nightshift_requests_waiting", "Requests that wait for a place in flight.",
		"nightshift_cooling_down", "Endpoints that are sent nothing, since they asked for a pause.",
		"nightshift_pace_throughput", "What pace measured last: tokens a second where answers tell them, else requests a second.")
	make.observe(m.observeReady, "nightshift_ready", "1 if the process asks for work of each of its task queues and Temporal answers, else 0.")
	return make.err()
}

// with prepares labels, so that counting need not.
func with(labels ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(labels...))
}

// maker makes instruments and gathers what goes wrong.
type maker struct {
	meter metric.Meter
	errs  []error
}

func (k *maker) note(err error) {
	if err != nil {
		k.errs = append(k.errs, err)
	}
}

func (k *maker) err() error {
	if err := errors.Join(k.errs...); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

func (k *maker) counter(name, text string) metric.Int64Counter {
	made, err := k.meter.Int64Counter(name, metric.WithDescription(text))
	k.note(err)
	return made
}

func (k *maker) sum(name, text string) metric.Float64Counter {
	made, err := k.meter.Float64Counter(name, metric.WithDescription(text))
	k.note(err)
	return made
}

func (k *maker) gauge(name, text, unit string) metric.Float64Gauge {
	made, err := k.meter.Float64Gauge(name, metric.WithDescription(text), metric.WithUnit(unit))
	k.note(err)
	return made
}

func (k *maker) histogram(name, text string, buckets []float64) metric.Float64Histogram {
	made, err := k.meter.Float64Histogram(name, metric.WithDescription(text), metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(buckets...))
	k.note(err)
	return made
}

// reading is one value of a gauge that is read when somebody looks.
type reading struct {
	gauge  int // which of those that are read together
	value  float64
	labels attribute.Set
}

// observe makes gauges, each of a name and a text, whose values read tells.
func (k *maker) observe(read func() []reading, namesAndTexts ...string) {
	var gauges []metric.Float64ObservableGauge
	var observables []metric.Observable
	for i := 0; i < len(namesAndTexts); i += 2 {
		gauge, err := k.meter.Float64ObservableGauge(namesAndTexts[i], metric.WithDescription(namesAndTexts[i+1]))
		k.note(err)
		gauges, observables = append(gauges, gauge), append(observables, gauge)
	}
	_, err := k.meter.RegisterCallback(observing(gauges, read), observables...)
	k.note(err)
}

// Stored counts bytes of objects.
func (m *Metrics) Stored(read, written int) {
	if m == nil {
		return
	}
	if read > 0 {
		m.stored.Add(background, int64(read), m.readBytes)
	}
	if written > 0 {
		m.stored.Add(background, int64(written), m.writtenBytes)
	}
}

// JobEnded counts a job with its report; an empty currency means that its cost
// is not known.
func (m *Metrics) JobEnded(outcome string, gpuSeconds, cost float64, currency string) {
	if m == nil {
		return
	}
	m.jobs.Add(background, 1, with(attribute.String("outcome", outcome)))
	m.jobSeconds.Add(background, gpuSeconds)
	if currency != "" {
		m.jobCost.Add(background, cost, with(attribute.String("currency", currency)))
	}
}

// Swept counts one sweep: what became of the endpoints that it found, by
// provider and verdict, and whether it saw every account without a problem.
func (m *Metrics) Swept(found map[[2]string]int, whole bool) {
	if m == nil {
		return
	}
	outcome := "problems"
	if whole {
		outcome = "ok"
		m.lastSweep.Record(background, float64(time.Now().UnixMilli())/1000)
	}
	m.sweeps.Add(background, 1, with(attribute.String("outcome", outcome)))
	for key, n := range found {
		m.swept.Add(background, int64(n), with(attribute.String("provider", key[0]), attribute.String("verdict", key[1])))
	}
}
