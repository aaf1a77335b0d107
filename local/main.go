// Command nightshift-local is nightshift with a Temporal server, its Web UI, an
// S3 server and a simulated GPU cloud built in, for trying things on one
// machine: nightshift's own commands, and dev and demo.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/local/commands"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args, commands.All()...)
	stop()
	os.Exit(code)
}
