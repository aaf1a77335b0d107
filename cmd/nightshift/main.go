// Command nightshift runs batches of prompts on endpoints that it rents for
// them and gives back.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/nightshift-run/nightshift/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args)
	stop()
	os.Exit(code)
}
