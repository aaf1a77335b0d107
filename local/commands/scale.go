package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/objectstore"
	"github.com/nightshift-run/nightshift/local/scale"
)

func scaleCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "scale",
		Usage: "run a job of a million lines, and measure memory, history and what workers share",
		Description: "Writes the input into an S3 server, and has worker processes run it against a simulated GPU\n" +
			"cloud, once for each --workers. Prints a table; exits with 1 if a promise was not kept. A million\n" +
			"lines take some minutes, and 3 GB in the temporary folder, which are removed afterwards.\n\n" +
			"Examples:\n" +
			"  nightshift-local scale --lines 1000000 --workers 1 --workers 2\n" +
			"  nightshift-local scale --lines 100000 --workers 2 --kill\n" +
			"  nightshift-local scale --lines 70000 --files 700 --suggest-after 600",
		Flags: []urfave.Flag{
			&urfave.IntFlag{Name: "lines", Usage: "`N` requests", Value: 1_000_000},
			&urfave.IntFlag{Name: "files", Usage: "spread them over `N` objects, each of which has shards of its own", Value: 1},
			&urfave.IntFlag{Name: "line-bytes", Usage: "`BYTES` of a line", Value: 1000},
			&urfave.IntSliceFlag{Name: "workers", Usage: "`N` worker processes; may be given several times, for a row each", Value: urfave.NewIntSlice(1)},
			&urfave.BoolFlag{Name: "kill", Usage: "kill the last worker when a third is done"},
			&urfave.IntFlag{Name: "in-flight", Usage: "`N` requests in flight from one worker; 0 leaves it to the pace", Value: 256},
			&urfave.DurationFlag{Name: "answer", Usage: "how long the simulated endpoint takes for an answer"},
			&urfave.IntFlag{Name: "suggest-after", Usage: "have Temporal suggest a new run after `N` events of history; 0 is its own number, 4,096"},
			&urfave.PathFlag{Name: "program", Usage: "nightshift's `FILE`, whose workers are measured; built from this source when not given"},
		},
		Action: runScale,
	}
}

func runScale(c *urfave.Context) error {
	dir, err := os.MkdirTemp("", "nightshift-scale-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := scaleProgram(c, dir)
	if err != nil {
		return err
	}
	objects, err := objectstore.Start(c.Context, objectstore.Options{
		Dir: filepath.Join(dir, "s3"), Address: "127.0.0.1:0", Buckets: []string{scale.Bucket}, Logger: cli.NewLogger(c.App.ErrWriter, slog.LevelError),
	})
	if err != nil {
		return err
	}
	defer objects.Stop()
	var results []scale.Result
	for i, workers := range c.IntSlice("workers") {
		result, err := scaleOnce(c, scale.Options{
			Lines: c.Int("lines"), Files: c.Int("files"), LineBytes: c.Int("line-bytes"), Workers: workers, Kill: c.Bool("kill"),
			InFlight: c.Int("in-flight"), SuggestAfter: c.Int("suggest-after"), Model: sim.Model{TimeToFirstToken: c.Duration("answer")},
			Program: program, Dir: filepath.Join(dir, fmt.Sprint(i)), Objects: objects,
		})
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	scale.Print(c.App.Writer, results)
	for _, r := range results {
		if len(r.Broken()) > 0 {
			return errors.New("promises were broken")
		}
	}
	return nil
}

// scaleOnce makes one row of the table.
func scaleOnce(c *urfave.Context, o scale.Options) (scale.Result, error) {
	if o.Workers < 1 || o.Kill && o.Workers < 2 {
		return scale.Result{}, errors.New("--workers must be at least 1, and with --kill at least 2")
	}
	fmt.Fprintf(c.App.ErrWriter, "%d lines, %d workers; writing the input ...\n", o.Lines, o.Workers)
	view := cli.NewView(c.App.ErrWriter)
	defer view.Close()
	var shown time.Time
	o.Show = func(s cli.Snapshot) {
		if time.Since(shown) > 2*time.Second {
			shown = time.Now()
			view.Show(s)
		}
	}
	return scale.Run(c.Context, o)
}

// scaleProgram is what workers run: the program that people install, without the
// servers that are built into this one.
func scaleProgram(c *urfave.Context, dir string) (string, error) {
	if given := c.Path("program"); given != "" {
		return given, nil
	}
	program := filepath.Join(dir, "nightshift")
	return program, buildNightshift(c.Context, program)
}

func buildNightshift(ctx context.Context, file string) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", file, "github.com/nightshift-run/nightshift/cmd/nightshift").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build nightshift: %w: %s; or say where it is, with --program", err, out)
	}
	return nil
}
