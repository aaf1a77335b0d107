package devserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.temporal.io/server/common/log/tag"
)

// TestLogger_Noise: callers that go away are no errors of the server's.
func TestLogger_Noise(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, nil)))
	l.running.Store(true)
	l.Error("an update failed", tag.Error(context.Canceled), tag.WorkflowID("a"))
	l.With(tag.WorkflowID("b")).Error("no trailer", tag.Error(fmt.Errorf("transport: %w", errors.New("SendHeader called multiple times"))))
	if out.Len() > 0 {
		t.Errorf("it says %s", out.String())
	}
	l.Error("an update failed", tag.Error(errors.New("disk full")), tag.WorkflowID("c"))
	if text := out.String(); !strings.Contains(text, "disk full") || !strings.Contains(text, "wf-id=c") {
		t.Errorf("it says %q", text)
	}
}
