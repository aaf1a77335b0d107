// Package commands holds the commands that nightshift-local has on top of
// nightshift's own.
package commands

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	nightshift "github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
)

// All returns the commands.
func All() []*cli.Command {
	own := []*cli.Command{demoCommand(), devCommand(), deathsCommand(), benchCommand(), scaleCommand(), fleetCommand()}
	return slices.Concat(own, partCommands(), benchParts())
}

// stackFlags say where everything is kept and listens.
func stackFlags(name string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "dir", Usage: "`DIR` that keeps everything", Value: defaultDir(name), EnvVars: []string{"NIGHTSHIFT_LOCAL_DIR"}},
		&cli.IntFlag{Name: "port", Usage: "Temporal's `PORT`; 0 for any free one", Value: 7233, EnvVars: []string{"NIGHTSHIFT_LOCAL_PORT"}},
		&cli.IntFlag{Name: "ui-port", Usage: "`PORT` of Temporal's Web UI; 0 for any free one", Value: 8233, EnvVars: []string{"NIGHTSHIFT_LOCAL_UI_PORT"}},
		&cli.StringFlag{Name: "s3-listen", Usage: "`HOST:PORT` of the S3 server", Value: "127.0.0.1:9000", EnvVars: []string{"NIGHTSHIFT_LOCAL_S3_LISTEN"}},
		&cli.StringFlag{Name: "cloud-listen", Usage: "`HOST:PORT` of the simulated cloud", Value: "127.0.0.1:8700", EnvVars: []string{"NIGHTSHIFT_SIM_LISTEN"}},
		&cli.DurationFlag{Name: "warm-up", Usage: "how long simulated endpoints take to start", Value: 8 * time.Second, EnvVars: []string{"NIGHTSHIFT_SIM_WARM_UP"}},
	}
}

// defaultDir is where the operating system wants caches: it may be deleted at
// any time when nothing runs.
func defaultDir(name string) string {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	return filepath.Join(base, "nightshift", name)
}

// bucketName is the one bucket of a stack.
const bucketName = "nightshift"

func startStack(c *cli.Context) (*stack.Stack, error) {
	return stack.Start(c.Context, stack.Options{
		Dir: c.String("dir"), Port: c.Int("port"), UIPort: c.Int("ui-port"),
		S3Address: c.String("s3-listen"), CloudAddress: c.String("cloud-listen"), Buckets: []string{bucketName},
		Cloud:  sim.Options{WarmUp: c.Duration("warm-up"), Model: sim.Typical()},
		Logger: nightshift.NewLogger(c.App.ErrWriter, slog.LevelError),
	})
}
