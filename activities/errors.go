package activities

import (
	"context"
	"errors"
	"syscall"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/jobs"
)

// sorted turns an error into the one that Temporal sees: its type says what
// went wrong in the words of package jobs, and whether trying again can help.
// An error that was sorted before is found again below what was wrapped around
// it since, and the end of a context passes unchanged.
func sorted(err error) error {
	if before, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return before
	}
	if err == nil || errors.Is(err, context.Canceled) || temporal.IsCanceledError(err) {
		return err
	}
	if kind, ok := hopeless(err); ok {
		return temporal.NewNonRetryableApplicationError(err.Error(), kind, nil)
	}
	return again(err)
}

// sortedEarly is sorted for what runs before anything is rented. A full disk or
// bucket ends the job there, and says so at once; later, what was paid for waits
// until somebody has made room.
func sortedEarly(err error) error {
	if errors.Is(err, bucket.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return final(jobs.DiskFull, err.Error()+"; make room there, or give the worker another folder with --temp-dir")
	}
	return sorted(err)
}

// again makes an error that is retried, whatever its kind.
func again(err error) error {
	var delay time.Duration
	if limited, ok := errors.AsType[*provider.Error](err); ok {
		delay = limited.RetryAfter
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), jobs.Temporary, temporal.ApplicationErrorOptions{NextRetryDelay: delay})
}

// waiting makes an error that only says "not yet": retried, and quiet in logs
// and metrics. A delay of zero leaves it to the retry policy.
func waiting(reason string, delay time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(reason, jobs.Temporary, temporal.ApplicationErrorOptions{
		NextRetryDelay: delay, Category: temporal.ApplicationErrorCategoryBenign,
	})
}

// isWaiting reports whether an error only says "not yet".
func isWaiting(err error) bool {
	told, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && told.Category() == temporal.ApplicationErrorCategoryBenign
}

// final makes an error of one of package jobs' types that is not retried.
func final(kind, reason string) error {
	return temporal.NewNonRetryableApplicationError(reason, kind, nil)
}

// metered adds to an error that is not retried, and to a cancellation, what was
// billed before it.
func metered(err error, meter jobs.Meter) error {
	if temporal.IsCanceledError(err) {
		return temporal.NewCanceledError(meter)
	}
	failure, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || !failure.NonRetryable() {
		return err
	}
	return temporal.NewNonRetryableApplicationError(failure.Message(), failure.Type(), nil, meter)
}

// hopeless says which errors no retry can help, and their type.
func hopeless(err error) (string, bool) {
	switch {
	case errors.Is(err, bucket.ErrChanged):
		return jobs.InputChanged, true
	case errors.Is(err, bucket.ErrDenied):
		return jobs.BucketDenied, true
	case errors.Is(err, bucket.ErrNotFound):
		return jobs.NotFound, true
	case errors.Is(err, bucket.ErrURL):
		return jobs.InvalidInput, true
	}
	if _, ok := errors.AsType[*provider.Error](err); !ok {
		return "", false
	}
	kind, ok := map[provider.Kind]string{
		provider.Unauthorized: jobs.Unauthorized,
		provider.Refused:      jobs.EndpointRefused,
		provider.Capacity:     jobs.NoCapacity,
	}[provider.KindOf(err)]
	return kind, ok
}
