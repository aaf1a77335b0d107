package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/nightshift-run/nightshift/workflows"
)

// TestTending_Ended: only the workflow's own wish ends the looking after an
// endpoint. Whatever else ends an attempt is an error, after which Temporal
// begins another.
func TestTending_Ended(t *testing.T) {
	t.Parallel()
	looked := tending{now: workflows.Tended{Drained: time.Unix(1, 0)}}
	for name, test := range map[string]struct {
		cause error
		over  bool
	}{
		"the workflow cancels it":   {cause: temporal.NewCanceledError(), over: true},
		"a heartbeat took too long": {cause: context.DeadlineExceeded},
		"Temporal is away":          {cause: errors.New("connection refused")},
		"the worker stops":          {cause: waiting("the worker is shutting down", time.Millisecond)},
		"the worker has no time":    {cause: worker.ErrWorkerShutdown},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(test.cause)
		got, err := looked.ended(ctx)
		if (err == nil) != test.over || test.over && !got.Drained.Equal(looked.now.Drained) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if _, refused := errors.AsType[*temporal.ApplicationError](err); err != nil && !refused {
			t.Errorf("%s: %T is no error of ours", name, err)
		}
	}
}
