// Package telemetry is the home of OpenTelemetry and Prometheus: what a process
// counts, and the traces that it leaves.
//
// [Start] begins both. Metrics are pulled from [Telemetry.ServeHTTP] in
// Prometheus' text format, and pushed by OTLP over HTTP as well if the standard
// variables ask for it. Traces are pushed, and made only when the variables name
// a receiver.
//
// # What is counted, and what it costs
//
// [Metrics] has a method for each thing that happens; every one of them may be
// called on a nil *Metrics, which counts nothing. Gauges are not kept up to date
// but read from where the truth is whenever somebody looks: see
// [Metrics.WatchTargets]. A request on the wire costs three additions to series
// that were looked up before, see BenchmarkTarget_Tried.
//
// # Labels
//
// The number of series must not grow with the work. So no label holds a job, a
// shard, an endpoint's id or a custom_id; provider and model are those of job
// files, class, phase, outcome, verdict are closed sets, status is an HTTP
// status. Should somebody run jobs for more models than seriesLimit allows, the
// rest are counted together in a series with the label otel_metric_overflow.
//
// docs/observability.md lists every metric; a test compares it with what a
// worker serves.
package telemetry
