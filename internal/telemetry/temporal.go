package telemetry

import (
	"fmt"
	"strings"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// temporalBuckets are for Temporal's latencies, in seconds: from a call on
// loopback to an activity that takes an hour.
var temporalBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}

// temporalLatencies gives the SDK's timers buckets for seconds; OpenTelemetry's
// own are for milliseconds.
func temporalLatencies(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	if i.Kind != sdkmetric.InstrumentKindHistogram || !strings.HasPrefix(i.Name, "temporal_") {
		return sdkmetric.Stream{}, false
	}
	return sdkmetric.Stream{
		Name: i.Name, Description: i.Description, Unit: i.Unit,
		Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: temporalBuckets},
	}, true
}

// Observe counts what the client that is made with these options does, and the
// workers that are made with the client, and traces both if traces are taken.
func (t *Telemetry) Observe(o *client.Options) error {
	if t == nil {
		return nil
	}
	o.MetricsHandler = opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: t.meters.Meter("temporal-sdk-go"), UseMonotonicCounters: true,
	})
	if t.spans == nil {
		return nil
	}
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: t.spans.Tracer("temporal-sdk-go")})
	if err != nil {
		return fmt.Errorf("trace Temporal's calls: %w", err)
	}
	o.Interceptors = append(append([]interceptor.ClientInterceptor(nil), o.Interceptors...), tracing)
	return nil
}
