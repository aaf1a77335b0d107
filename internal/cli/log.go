package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/spell"
)

// The forms and levels of logs.
var (
	logFormats = []string{"text", "json"}
	logLevels  = []string{"debug", "info", "warn", "error"}
)

// logFlags are for commands that run until they are stopped.
func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-format", Usage: "`FORM` of the log on standard error: text or json", Value: "text", EnvVars: []string{"NIGHTSHIFT_LOG_FORMAT"}},
		&cli.StringFlag{Name: "log-level", Usage: "least `LEVEL` that is logged: debug, info, warn or error", Value: "info", EnvVars: []string{"NIGHTSHIFT_LOG_LEVEL"}},
	}
}

// logger is the log that the flags ask for.
func logger(c *cli.Context) (*slog.Logger, error) {
	format, name := strings.ToLower(c.String("log-format")), strings.ToLower(c.String("log-level"))
	var level slog.Level
	if !slices.Contains(logLevels, name) {
		return nil, badInput(fmt.Errorf("unknown --log-level %q; %s", name, spell.Suggest(name, logLevels)))
	}
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, badInput(err)
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: keyed}
	switch format {
	case "text":
		return slog.New(quiet{slog.NewTextHandler(c.App.ErrWriter, options)}), nil
	case "json":
		return slog.New(quiet{slog.NewJSONHandler(c.App.ErrWriter, options)}), nil
	}
	return nil, badInput(fmt.Errorf("unknown --log-format %q; %s", format, spell.Suggest(format, logFormats)))
}

// NewLogger writes what happens to w, one line an event, from a level on.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(quiet{slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: keyed})})
}

// keyed writes the keys of Temporal's SDK, such as WorkflowID, as ours are
// written, workflow_id, so that all lines can be searched alike.
func keyed(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) > 0 || attr.Key == "" || !unicode.IsUpper(rune(attr.Key[0])) {
		return attr
	}
	var key strings.Builder
	for i, r := range attr.Key {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(attr.Key[i-1])) {
			key.WriteByte('_')
		}
		key.WriteRune(unicode.ToLower(r))
	}
	attr.Key = key.String()
	return attr
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
