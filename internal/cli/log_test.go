package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"
)

func TestNewLogger_LeavesOutCancellations(t *testing.T) {
	t.Parallel()
	for err, told := range map[error]bool{
		errors.New("disk full"):                          true,
		context.Canceled:                                 false,
		fmt.Errorf("send: %w", context.Canceled):         false,
		temporal.NewCanceledError():                      false,
		temporal.NewApplicationError("gone", "Gone"):     true,
		fmt.Errorf("wait: %w", context.DeadlineExceeded): true,
	} {
		var out strings.Builder
		NewLogger(&out, slog.LevelInfo).With("worker", 1).Error("Activity error.", "Error", err)
		if got := out.Len() > 0; got != told {
			t.Errorf("%v: told %v, want %v", err, got, told)
		}
	}
}
