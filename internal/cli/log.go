package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"go.temporal.io/sdk/temporal"
)

// NewLogger writes what happens to w, one line an event, from a level on.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(quiet{slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})})
}

// quiet leaves out activities that ended because they were cancelled, which the
// SDK logs as errors: somebody asked for that.
type quiet struct{ slog.Handler }

func (q quiet) Handle(ctx context.Context, record slog.Record) error {
	cancelled := false
	record.Attrs(func(attr slog.Attr) bool {
		err, ok := attr.Value.Any().(error)
		cancelled = cancelled || ok && (errors.Is(err, context.Canceled) || temporal.IsCanceledError(err))
		return true
	})
	if cancelled {
		return nil
	}
	return q.Handler.Handle(ctx, record)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
