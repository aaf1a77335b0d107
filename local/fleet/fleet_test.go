package fleet_test

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/local/commands"
	"github.com/nightshift-run/nightshift/local/fleet"
)

// programVariable has this test be nightshift-local, which saves building that
// as well.
const programVariable = "NIGHTSHIFT_FLEET_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Main(ctx, os.Args, commands.All()...))
}

// TestFleet is a short form of the command "fleet" of nightshift-local.
func TestFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	result, err := fleet.Run(t.Context(), fleet.Options{
		Program: program, Env: []string{programVariable + "=yes"}, Dir: t.TempDir(),
		Lines: 3000, Rate: 150, Away: time.Second, ObjectsAway: 3 * time.Second,
	})
	switch {
	case errors.Is(err, fleet.ErrNoPostgres) && os.Getenv("CI") == "":
		t.Skip(err)
	case errors.Is(err, fleet.ErrNoPostgres):
		t.Fatalf("%v; it is not skipped where CI is set", err)
	case err != nil:
		t.Fatal(err)
	}
	fleet.Print(os.Stdout, result)
	for _, broken := range result.Broken() {
		t.Error(broken)
	}
}
