package worker

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/serviceerror"
)

// TestUntilReached_WaitsOutAnOutage, and says so each minute.
func TestUntilReached_WaitsOutAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		o := Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Namespace: "ns"}
		begun := time.Now()
		err := o.untilReached(t.Context(), func() error {
			if time.Since(begun) < 150*time.Second {
				return serviceerror.NewUnavailable("connection refused")
			}
			return nil
		})
		if err != nil || time.Since(begun) > 160*time.Second {
			t.Errorf("returned %v after %s", err, time.Since(begun))
		}
		if told := strings.Count(log.String(), "keeps trying"); told != 3 {
			t.Errorf("told %d times, want at 0:00, 1:00 and 2:00:\n%s", told, log.String())
		}
	})
}

func TestUntilReached_EndsAtOnce(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for name, c := range map[string]struct {
		ctx context.Context
		err error
	}{
		"no such namespace": {context.Background(), serviceerror.NewNamespaceNotFound("ns")},
		"not allowed":       {context.Background(), serviceerror.NewPermissionDenied("no", "")},
		"stopped":           {stopped, serviceerror.NewUnavailable("connection refused")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := Options{Logger: slog.New(slog.DiscardHandler)}.untilReached(c.ctx, func() error {
				calls++
				return c.err
			})
			if calls != 1 || !errors.Is(err, c.err) {
				t.Errorf("%d calls, then %v", calls, err)
			}
		})
	}
}

func TestKnown_PrefersWhatItIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ told, file, want string }{
		"nothing":       {},
		"told":          {told: "abc", want: "abc"},
		"remembered":    {file: "def", want: "def"},
		"both":          {told: "abc", file: "def", want: "abc"},
		"damaged file":  {file: "de-f"},
		"overlong file": {file: "abcdefghijklm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state")
			if c.file != "" {
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got := (Options{Installation: c.told, StateFile: path}).known().get(); got != c.want {
				t.Errorf("known is %q, want %q", got, c.want)
			}
		})
	}
}

func TestRemember_IsRecalled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "below", "that")
	path := filepath.Join(dir, "installation-127.0.0.1:7233%2Fdefault")
	for _, name := range []string{"abc", "abc", "def"} {
		if err := remember(path, name); err != nil {
			t.Fatal(err)
		}
		if got := recall(path); got != name {
			t.Errorf("recalled %q, want %q", got, name)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if err := remember(filepath.Join(path, "x"), "abc"); err == nil {
		t.Error("a file below a file was written")
	}
}
