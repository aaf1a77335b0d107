package cli

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/telemetry"
)

// defaultRequestShare shows a request in a hundred: enough to see a slow hour,
// and little beside the requests themselves.
const defaultRequestShare = 0.01

func traceRequestsFlag() cli.Flag {
	return &cli.Float64Flag{
		Name: "trace-requests", EnvVars: []string{"NIGHTSHIFT_TRACE_REQUESTS"}, Value: defaultRequestShare,
		Usage: "`SHARE` of the requests that traces show, from 0 to 1; traces go where OTEL_EXPORTER_OTLP_ENDPOINT says, and nowhere without it",
	}
}

// startTelemetry begins to count and to trace; stopTelemetry must be called.
func startTelemetry(c *cli.Context, service string, log *slog.Logger) (*telemetry.Telemetry, error) {
	share := c.Float64("trace-requests")
	if share < 0 || share > 1 {
		return nil, badInput(errors.New("--trace-requests must be from 0 to 1, such as 0.01 for one request in a hundred"))
	}
	telling, err := telemetry.Start(c.Context, telemetry.Options{Service: service, Logger: log, Version: buildOf(debug.ReadBuildInfo()).Version, RequestShare: share})
	if err != nil {
		return nil, badInput(err)
	}
	return telling, nil
}

// pushPatience is how long the last spans and metrics may take to be pushed.
const pushPatience = 5 * time.Second

func stopTelemetry(telling *telemetry.Telemetry, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), pushPatience)
	defer cancel()
	if err := telling.Stop(ctx); err != nil {
		logger.Warn("the last traces or metrics were not pushed", "error", err)
	}
}
