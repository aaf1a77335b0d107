package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
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

// logged is a line that the flags make of an event of Temporal's SDK.
func logged(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	command := &cli.Command{Name: "worker", Flags: logFlags(), Action: func(c *cli.Context) error {
		log, err := logger(c)
		if err == nil {
			log.With("WorkflowID", "job").Info("an event", "error", errors.New("why"), "RunID", "1", "url", "u")
		}
		return err
	}}
	app := &cli.App{Name: "nightshift", ErrWriter: &out, Commands: []*cli.Command{command}, ExitErrHandler: func(*cli.Context, error) {}}
	oneApp.Lock()
	defer oneApp.Unlock()
	err := app.Run(append([]string{"nightshift", "worker"}, args...))
	return out.String(), err
}

func TestLogger_Flags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string // in the log
		fail string // in the error
	}{
		{nil, `level=INFO msg="an event" workflow_id=job error=why run_id=1 url=u`, ""},
		{[]string{"--log-format", "json"}, `"level":"INFO","msg":"an event","workflow_id":"job","error":"why","run_id":"1","url":"u"}`, ""},
		{[]string{"--log-level", "warn"}, "", ""},
		{[]string{"--log-level", "loud"}, "", `unknown --log-level "loud"`},
		{[]string{"--log-format", "jsonl"}, "", `unknown --log-format "jsonl"`},
	} {
		out, err := logged(t, c.args...)
		if !strings.Contains(out, c.want) || c.want == "" && out != "" {
			t.Errorf("%v: %s", c.args, out)
		}
		if (err != nil) != (c.fail != "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
