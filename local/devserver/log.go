package devserver

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger hands the server's messages to slog. See [Options.Logger] for levels.
type logger struct {
	out     *slog.Logger
	running *atomic.Bool // neither starting nor stopping
}

var _ log.WithLogger = logger{}

func newLogger(out *slog.Logger) logger {
	return logger{out, new(atomic.Bool)}
}

// fatalError is what a logger panics with where the server wants the process to
// end.
type fatalError string

func (e fatalError) Error() string { return string(e) }

func (l logger) Debug(msg string, tags ...tag.Tag)  { l.log(slog.LevelDebug, msg, tags) }
func (l logger) Info(msg string, tags ...tag.Tag)   { l.log(slog.LevelDebug, msg, tags) }
func (l logger) Warn(msg string, tags ...tag.Tag)   { l.log(slog.LevelWarn, msg, tags) }
func (l logger) Error(msg string, tags ...tag.Tag)  { l.log(slog.LevelError, msg, tags) }
func (l logger) DPanic(msg string, tags ...tag.Tag) { l.log(slog.LevelError, msg, tags) }

func (l logger) Panic(msg string, tags ...tag.Tag) { panic(message(msg, tags)) }
func (l logger) Fatal(msg string, tags ...tag.Tag) { panic(fatalError(message(msg, tags))) }

func (l logger) With(tags ...tag.Tag) log.Logger {
	return logger{slog.New(l.out.Handler().WithAttrs(attrs(tags))), l.running}
}

func (l logger) log(level slog.Level, msg string, tags []tag.Tag) {
	if !l.running.Load() {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if l.out.Enabled(ctx, level) {
		l.out.LogAttrs(ctx, level, msg, attrs(tags)...)
	}
}

func attrs(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(t.Key(), t.Value())
	}
	return attrs
}

func message(msg string, tags []tag.Tag) string {
	var b strings.Builder
	b.WriteString(msg)
	for _, a := range attrs(tags) {
		b.WriteString(" " + a.String())
	}
	return b.String()
}
