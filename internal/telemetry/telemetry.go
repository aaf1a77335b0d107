package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// seriesLimit bounds the series of one metric in one process.
const seriesLimit = 1000

// meterName is the scope of nightshift's own metrics.
const meterName = "nightshift"

// Options says who the process is.
type Options struct {
	Service string // such as "nightshift-worker"; OTEL_SERVICE_NAME overrides it
	Version string
	Logger  *slog.Logger // is told when traces or metrics cannot be pushed; nil means nobody is

	// RequestShare is the share of requests that traces show, from 0 to 1.
	RequestShare float64
}

// Telemetry is what one process tells about itself. Its methods may be called
// on nil, which tells nothing.
type Telemetry struct {
	metrics *Metrics
	tracer  *Tracer
	meters  *sdkmetric.MeterProvider
	spans   *sdktrace.TracerProvider // nil without a receiver of traces
	handler http.Handler
}

// Start begins to count, and to trace if OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names a receiver. It makes no call. Stop
// must be called.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	about, err := describe(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.Logger != nil {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Logger.Warn("telemetry", "error", err) }))
	}
	t := &Telemetry{}
	if err := t.startMetrics(ctx, about); err != nil {
		return nil, err
	}
	if err := t.startTraces(ctx, about, o); err != nil {
		return nil, errors.Join(err, t.meters.Shutdown(ctx))
	}
	return t, nil
}

// describe is the resource: the options, and over them OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES.
func describe(ctx context.Context, o Options) (*resource.Resource, error) {
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", o.Service), attribute.String("service.version", o.Version),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return about, nil
}

func (t *Telemetry) startMetrics(ctx context.Context, about *resource.Resource) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	t.metrics = newMetrics()
	pulled, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithProducer(t.metrics))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	options := []sdkmetric.Option{
		sdkmetric.WithReader(pulled), sdkmetric.WithResource(about), sdkmetric.WithCardinalityLimit(seriesLimit),
		sdkmetric.WithView(temporalLatencies),
	}
	if pushesMetrics() {
		pushed, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return fmt.Errorf("metrics by OTLP: %w", err)
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(pushed, sdkmetric.WithProducer(t.metrics))))
	}
	t.meters = sdkmetric.NewMeterProvider(options...)
	t.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return t.metrics.begin(t.meters.Meter(meterName))
}

// pushesMetrics reports whether metrics are to be pushed as well: only if asked
// for by name, since most who collect traces by OTLP scrape their metrics.
func pushesMetrics() bool { return strings.EqualFold(os.Getenv("OTEL_METRICS_EXPORTER"), "otlp") }

// ServeHTTP serves the metrics in Prometheus' text format.
func (t *Telemetry) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.handler.ServeHTTP(w, r) }

// Metrics returns what the process counts with.
func (t *Telemetry) Metrics() *Metrics {
	if t == nil {
		return nil
	}
	return t.metrics
}

// Tracer returns what traces requests, or nil if nothing is traced.
func (t *Telemetry) Tracer() *Tracer {
	if t == nil {
		return nil
	}
	return t.tracer
}

// Stop pushes what is left, for as long as ctx allows, and ends.
func (t *Telemetry) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	err := t.meters.Shutdown(ctx)
	if t.spans != nil {
		err = errors.Join(err, t.spans.Shutdown(ctx))
	}
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}
