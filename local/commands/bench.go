package commands

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/local/bench"
)

func benchCommand() *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "measure nightshift against a bare loop, and print a table with targets",
		Description: "Both run as processes of their own against the same simulated cloud and S3 server. Leave the\n" +
			"machine alone meanwhile: everything shares its cores. Exits with 1 if a target was missed.\n\n" +
			"Examples:\n" +
			"  nightshift-local bench\n" +
			"  nightshift-local bench --only '0 ms' --rounds 1\n" +
			"  nightshift-local bench --only memory --most 1000000",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "only", Usage: "measurements whose name begins with `TEXT`: 0 ms, 20 ms, 50 ms, 2,000 in flight, HTTP/2, storm, kill, idle, billed, memory, planning"},
			&cli.Int64Flag{Name: "lines", Usage: "of the jobs that are compared with the bare loop", Value: 50_000},
			&cli.IntFlag{Name: "rounds", Usage: "of these; the median counts", Value: 3},
			&cli.PathFlag{Name: "worker", Usage: "`PATH` of nightshift", DefaultText: "built from this folder's source"},
			&cli.Int64Flag{Name: "most", Usage: "lines of the largest job whose memory is measured", Value: 100_000},
		},
		Action: runBench,
	}
}

func runBench(c *cli.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nightshift-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	worker := c.Path("worker")
	if worker == "" {
		worker = filepath.Join(dir, "nightshift")
		if out, err := exec.CommandContext(c.Context, "go", "build", "-o", worker, "github.com/nightshift-run/nightshift/cmd/nightshift").CombinedOutput(); err != nil {
			return fmt.Errorf("build the worker: %w: %s; try: --worker with the path of a built nightshift", err, out)
		}
	}
	rows, err := bench.Run(c.Context, bench.Options{
		Program: program, Worker: worker, Dir: dir, Only: c.String("only"),
		Lines: c.Int64("lines"), Rounds: c.Int("rounds"), Most: c.Int64("most"),
		Began: func(name string) { fmt.Fprintf(c.App.ErrWriter, "measuring %s ...\n", name) },
	})
	bench.Print(c.App.Writer, rows)
	if err != nil {
		return err
	}
	missed := 0
	for _, row := range rows {
		if row.Missed {
			missed++
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d targets were missed", missed)
	}
	return nil
}

// benchParts are what the bench command runs as processes of their own.
func benchParts() []*cli.Command {
	return []*cli.Command{
		{Name: bench.BareCommand, Hidden: true, Action: func(c *cli.Context) error { return bench.ServeBare(c.Context, c.App.Writer) }},
	}
}
