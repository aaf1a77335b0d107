package commands

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/local/fleet"
)

func fleetCommand() *cli.Command {
	return &cli.Command{
		Name:  "fleet",
		Usage: "run a job on a fleet of servers and workers, and restart or kill each of them meanwhile",
		Description: "What docker-compose.yml runs, as processes of this machine: Temporal on PostgreSQL, an S3 server, two\n" +
			"control workers, three data workers, a gateway and a simulated GPU cloud. Needs Debian's postgresql, of which\n" +
			"it makes a cluster of its own. Prints a table; exits with 1 if a promise was not kept.\n\n" +
			"Examples:\n" +
			"  nightshift-local fleet\n" +
			"  nightshift-local fleet --lines 1000000 --rate 3000\n" +
			"  nightshift-local fleet --nightshift ./nightshift",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "lines", Usage: "requests of the job", Value: 100_000},
			&cli.IntFlag{Name: "rate", Usage: "requests that the simulated endpoint answers a second", DefaultText: "a hundredth of the lines"},
			&cli.PathFlag{Name: "nightshift", Usage: "`PROGRAM` of workers and gateway, such as a release", DefaultText: "this one, which has a server in it and so takes more memory"},
			&cli.DurationFlag{Name: "away", Usage: "how long what is killed stays away", Value: 5 * time.Second},
			&cli.DurationFlag{Name: "s3-away", Usage: "how long the S3 server stays away", Value: 20 * time.Second},
		},
		Action: runFleet,
	}
}

func runFleet(c *cli.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nightshift-fleet-*")
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.ErrWriter, "starting PostgreSQL, Temporal, S3, a simulated GPU cloud, 2 control workers, 3 data workers and a gateway ...")
	result, err := fleet.Run(c.Context, fleet.Options{
		Program: program, Nightshift: c.Path("nightshift"), Dir: dir, Lines: c.Int("lines"), Rate: c.Int("rate"),
		Away: c.Duration("away"), ObjectsAway: c.Duration("s3-away"),
		Each: func(b fleet.Blow) { fmt.Fprintln(c.App.ErrWriter, "survived:", b.What) },
	})
	if errors.Is(err, fleet.ErrNoPostgres) {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return fmt.Errorf("%w\nlogs are in %s", err, dir)
	}
	fleet.Print(c.App.Writer, result)
	if len(result.Broken()) > 0 {
		return fmt.Errorf("promises were broken; logs are in %s", dir)
	}
	return os.RemoveAll(dir)
}
