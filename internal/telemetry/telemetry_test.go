package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"
)

func started(t *testing.T) *Telemetry {
	t.Helper()
	told, err := Start(t.Context(), Options{Service: "test", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = told.Stop(context.Background()) })
	return told
}

func page(told *Telemetry) string {
	recorder := httptest.NewRecorder()
	told.ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	return recorder.Body.String()
}

func TestMetrics_AreTold(t *testing.T) {
	t.Parallel()
	told := started(t)
	m := told.Metrics()
	target := m.Target("nebius", "m")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				target.Tried(Try{Status: 200, Took: 70 * time.Millisecond, Sent: 10, Received: 20})
				target.Tried(Try{Class: "throttled", Status: 429, Took: time.Millisecond})
				target.Finished(false, 3, 4)
			}
		})
	}
	all.Wait()
	shards := []*Shard{m.OpenShard("nebius", "m", 10, func() int64 { return 4 }), m.OpenShard("nebius", "m", 5, func() int64 { return 5 })}
	rental := m.LookAfter("nebius", "m", "ready", 100)
	rental.Billed(130.5)
	rental.Billed(120) // a meter that an older attempt read
	m.WatchTargets(func() []Pace {
		return []Pace{{Provider: "nebius", Model: "m", InFlight: 3, Limit: 9, Cooldowns: 2}, {Provider: "nebius", Model: "m", InFlight: 4, Limit: 1, Cooling: true, Cooldowns: 1}}
	})
	m.WatchReady(func(context.Context) error { return errors.New("no") })
	m.Swept(map[[2]string]int{{"nebius", "deleted"}: 2}, true)
	text := page(told)
	for _, want := range []string{
		`nightshift_requests_total{class="ok",model="m",provider="nebius",status="200"} 800`,
		`nightshift_requests_total{class="throttled",model="m",provider="nebius",status="429"} 800`,
		`nightshift_request_duration_seconds_bucket{class="ok",model="m",provider="nebius",le="0.05"} 0`,
		`nightshift_request_duration_seconds_bucket{class="ok",model="m",provider="nebius",le="0.1"} 800`,
		`nightshift_request_duration_seconds_count{class="ok",model="m",provider="nebius"} 800`,
		`nightshift_tokens_total{direction="output",model="m",provider="nebius"} 3200`,
		`nightshift_payload_bytes_total{direction="received",model="m",provider="nebius"} 16000`,
		`nightshift_results_total{model="m",outcome="completed",provider="nebius"} 800`,
		`nightshift_shards_open{model="m",provider="nebius"} 2`,
		`nightshift_shard_requests{model="m",provider="nebius"} 15`,
		`nightshift_shard_results{model="m",provider="nebius"} 9`,
		`nightshift_endpoints{phase="ready",provider="nebius"} 1`,
		`nightshift_billed_replica_seconds_total{model="m",provider="nebius"} 30.5`,
		`nightshift_requests_in_flight{model="m",provider="nebius"} 7`,
		`nightshift_cooling_down{model="m",provider="nebius"} 1`,
		`nightshift_cooldowns_total{model="m",provider="nebius"} 3`,
		`nightshift_ready 0`,
		`nightshift_sweep_endpoints_total{provider="nebius",verdict="deleted"} 2`,
		`nightshift_sweep_last_success_timestamp_seconds`,
		`process_resident_memory_bytes`,
		`target_info{service_name="test",service_version="v1"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("not told: %s", want)
		}
	}
	for _, shard := range shards {
		shard.Close("done")
	}
	rental.Close()
	if text := page(told); strings.Contains(text, "nightshift_shards_open{") || strings.Contains(text, "nightshift_endpoints{") {
		t.Error("gauges of what is over are still told")
	}
}

// TestMetrics_SeriesAreBounded however many models there are.
func TestMetrics_SeriesAreBounded(t *testing.T) {
	t.Parallel()
	told := started(t)
	for i := range 3 * targetLimit {
		told.Metrics().Target("nebius", fmt.Sprint("model-", i)).Tried(Try{Status: 200})
	}
	text := page(told)
	if n := strings.Count(text, "\nnightshift_requests_total{"); n != targetLimit+1 {
		t.Errorf("%d series", n)
	}
	if want := fmt.Sprintf(`otel_metric_overflow="true",status="200"} %d`, 2*targetLimit); !strings.Contains(text, want) {
		t.Errorf("the rest is not counted together as %s", want)
	}
}

// TestNothing_CountsNothing: a worker without telemetry calls all the same.
func TestNothing_CountsNothing(t *testing.T) {
	t.Parallel()
	var none *Telemetry
	m := none.Metrics()
	m.Target("p", "m").Tried(Try{})
	m.Target("p", "m").Finished(true, 1, 1)
	m.OpenShard("p", "m", 1, nil).Close("done")
	rental := m.LookAfter("p", "m", "ready", 0)
	rental.Seen("ready")
	rental.Billed(1)
	rental.Released("confirmed")
	rental.Close()
	m.Stored(1, 1)
	m.Swept(nil, true)
	m.JobEnded("completed", 1, 1, "USD")
	m.Created("p", "created")
	m.WatchTargets(nil)
	m.WatchReady(nil)
	span := none.Tracer().Request(t.Context(), "p", "m")
	if span.Header() != "" {
		t.Error("a traceparent without traces")
	}
	span.End(Try{}, 1, 0, 0)
	span.Abandon()
	if err := errors.Join(none.Observe(&client.Options{}), none.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestTracer_OfRequests(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	var log strings.Builder
	told, err := Start(t.Context(), Options{Service: "test", RequestShare: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if span := told.Tracer().Request(t.Context(), "p", "m"); span != nil {
		t.Error("a request is traced whose job is not")
	}
	ctx, shard := told.spans.Tracer("test").Start(t.Context(), "shard")
	span := told.Tracer().Request(ctx, "p", "m")
	id := trace.SpanContextFromContext(ctx).TraceID().String()
	if header := span.Header(); !strings.HasPrefix(header, "00-"+id+"-") || !strings.HasSuffix(header, "-01") {
		t.Errorf("traceparent %q in trace %s", header, id)
	}
	span.End(Try{Class: "retry", Status: 500}, 2, 0, 0)
	shard.End()
	options := &client.Options{}
	if err := told.Observe(options); err != nil || len(options.Interceptors) != 1 || options.MetricsHandler == nil {
		t.Errorf("%+v, %v", options, err)
	}
	// Nobody takes the spans; stopping says so and does not hang.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := told.Stop(ctx); err == nil && !strings.Contains(log.String(), "connection refused") {
		t.Error("spans that nobody took are not missed")
	}
}
