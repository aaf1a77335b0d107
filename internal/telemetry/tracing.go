package telemetry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// receivesTraces reports whether somebody is named who takes traces.
func receivesTraces() bool {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if os.Getenv(name) != "" && os.Getenv("OTEL_TRACES_EXPORTER") != "none" && os.Getenv("OTEL_SDK_DISABLED") != "true" {
			return true
		}
	}
	return false
}

// startTraces reads where to push, and with which headers and certificates, from
// the OTEL_EXPORTER_OTLP_* variables, and OTEL_TRACES_SAMPLER for jobs.
func (t *Telemetry) startTraces(ctx context.Context, about *resource.Resource, o Options) error {
	if !receivesTraces() {
		return nil
	}
	pushed, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("traces by OTLP: %w", err)
	}
	t.spans = sdktrace.NewTracerProvider(sdktrace.WithBatcher(pushed), sdktrace.WithResource(about))
	t.tracer = &Tracer{tracer: t.spans.Tracer("nightshift"), share: o.RequestShare}
	return nil
}

// Tracer makes the spans of requests. Its methods may be called on nil, which
// makes none.
type Tracer struct {
	tracer trace.Tracer
	share  float64
}

// Request is the span of a request on the wire. Its methods may be called on
// nil.
type Request struct{ span trace.Span }

// Request begins a span below ctx's, for a share of the requests, and nil for
// the others or if ctx's own is not sampled.
func (t *Tracer) Request(ctx context.Context, provider, model string) *Request {
	if t == nil || rand.Float64() >= t.share || !trace.SpanContextFromContext(ctx).IsSampled() {
		return nil
	}
	_, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("gen_ai.system", provider), attribute.String("gen_ai.request.model", model),
	))
	return &Request{span}
}

// Header returns the value of the header traceparent, of W3C's Trace Context, by
// which the endpoint's own spans become part of the trace; nothing for nil.
func (r *Request) Header() string {
	if r == nil {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(background, r.span), carrier)
	return carrier.Get("traceparent")
}

// Abandon ends the span of a request that was given up in flight.
func (r *Request) Abandon() {
	if r == nil {
		return
	}
	r.span.SetStatus(codes.Error, "abandoned")
	r.span.End()
}

// End ends the span with what came of the request.
func (r *Request) End(try Try, attempt int, input, output int64) {
	if r == nil {
		return
	}
	class := try.Class
	if class == "" {
		class = "ok"
	} else {
		r.span.SetStatus(codes.Error, class)
	}
	r.span.SetAttributes(
		attribute.String("nightshift.class", class), attribute.Int("nightshift.attempt", attempt), attribute.Int("http.response.status_code", try.Status),
		attribute.Int64("gen_ai.usage.input_tokens", input), attribute.Int64("gen_ai.usage.output_tokens", output),
	)
	r.span.End()
}
