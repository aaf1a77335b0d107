package telemetry

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Produce makes OpenTelemetry's data of what targets count. It implements the
// SDK's Producer.
func (m *Metrics) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	m.mu.Lock()
	targets := slices.Collect(maps.Values(m.targets))
	m.mu.Unlock()
	if len(targets) == 0 {
		return nil, nil
	}
	p := produced{since: m.since, now: time.Now()}
	for _, t := range targets {
		p.add(t)
	}
	p.addPauses(m.paceNow())
	return []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: meterName}, Metrics: []metricdata.Metrics{
		p.sum("nightshift_requests", "Requests on the wire, by what came of them.", p.requests),
		p.sum("nightshift_results", "Requests that got their result.", p.results),
		p.sum("nightshift_tokens", "Tokens as the endpoint counted them, of answers that can be used.", p.tokens),
		p.sum("nightshift_payload_bytes", "Bytes of the bodies of requests and answers.", p.payload),
		p.sum("nightshift_cooldowns", "Pauses that endpoints asked for.", p.cooldowns),
		{
			Name: "nightshift_request_duration", Unit: "s", Description: "From sending a request to the last byte of its answer.",
			Data: metricdata.Histogram[float64]{DataPoints: p.durations, Temporality: metricdata.CumulativeTemporality},
		},
	}}}, nil
}

// produced gathers the points of every target.
type produced struct {
	since, now        time.Time
	requests, results []metricdata.DataPoint[int64]
	tokens, payload   []metricdata.DataPoint[int64]
	cooldowns         []metricdata.DataPoint[int64]
	durations         []metricdata.HistogramDataPoint[float64]
}

func (p *produced) sum(name, text string, points []metricdata.DataPoint[int64]) metricdata.Metrics {
	return metricdata.Metrics{Name: name, Description: text, Data: metricdata.Sum[int64]{
		DataPoints: points, Temporality: metricdata.CumulativeTemporality, IsMonotonic: true,
	}}
}

func (p *produced) point(labels attribute.Set, value int64) metricdata.DataPoint[int64] {
	return metricdata.DataPoint[int64]{Attributes: labels, StartTime: p.since, Time: p.now, Value: value}
}

func (p *produced) add(t *Target) {
	for o, s := range *t.series.Load() {
		p.requests = append(p.requests, p.point(t.labelled(classLabel(o.class), statusLabel(o.status)), s.count.Load()))
	}
	for class, d := range *t.durations.Load() {
		p.durations = append(p.durations, p.histogram(t.labelled(classLabel(class)), d))
	}
	for i, direction := range []string{"input", "output"} {
		p.tokens = append(p.tokens, p.point(t.labelled(attribute.String("direction", direction)), t.tokens[i].Load()))
	}
	for i, direction := range []string{"sent", "received"} {
		p.payload = append(p.payload, p.point(t.labelled(attribute.String("direction", direction)), t.payload[i].Load()))
	}
	for i, outcome := range []string{"completed", "failed"} {
		p.results = append(p.results, p.point(t.labelled(attribute.String("outcome", outcome)), t.results[i].Load()))
	}
}

// addPauses adds up those of a provider's and model's endpoints.
func (p *produced) addPauses(paces []Pace) {
	sums := map[[2]string]int64{}
	for _, pace := range paces {
		sums[[2]string{pace.Provider, pace.Model}] += pace.Cooldowns
	}
	for key, n := range sums {
		labels := attribute.NewSet(attribute.String("provider", key[0]), attribute.String("model", key[1]))
		p.cooldowns = append(p.cooldowns, p.point(labels, n))
	}
}

func (p *produced) histogram(labels attribute.Set, d *durations) metricdata.HistogramDataPoint[float64] {
	point := metricdata.HistogramDataPoint[float64]{
		Attributes: labels, StartTime: p.since, Time: p.now, Bounds: latencyBuckets, Sum: time.Duration(d.total.Load()).Seconds(),
	}
	for i := range d.buckets {
		n := uint64(d.buckets[i].Load())
		point.BucketCounts = append(point.BucketCounts, n)
		point.Count += n
	}
	return point
}
