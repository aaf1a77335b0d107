package devserver

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
	if !l.running.Load() || isNoise(tags) {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	if l.out.Enabled(ctx, level) {
		l.out.LogAttrs(ctx, level, msg, attrs(tags)...)
	}
}

// noise is in errors that the server logs as its own though nothing went wrong:
// a caller has gone away, or an answer was out before its trailer.
var noise = []string{"context canceled", "SendHeader called multiple times"}

func isNoise(tags []tag.Tag) bool {
	for _, t := range tags {
		if t.Key() != "error" {
			continue
		}
		said := fmt.Sprint(t.Value())
		if slices.ContainsFunc(noise, func(text string) bool { return strings.Contains(said, text) }) {
			return true
		}
	}
	return false
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
