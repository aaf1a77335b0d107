package commands

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/local/deaths"
)

func deathsCommand() *cli.Command {
	return &cli.Command{
		Name:  "deaths",
		Usage: "kill everything that can die, at each moment of a job, and count the GPUs that leak",
		Description: "Each case has a Temporal server, an S3 server and workers of its own, all processes, and a\n" +
			"simulated GPU cloud that survives. Prints a table; exits with 1 if a promise was not kept.\n\n" +
			"Examples:\n" +
			"  nightshift-local deaths\n" +
			"  nightshift-local deaths --full\n" +
			"  nightshift-local deaths --full --only 'worker killed'",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "full", Usage: "every death at every moment, instead of each death once"},
			&cli.StringSliceFlag{Name: "provider", Usage: "`PROVIDER` whose control plane is simulated: " + strings.Join(deaths.Providers(), ", "), Value: cli.NewStringSlice("nebius")},
			&cli.StringFlag{Name: "only", Usage: "cases whose name, PROVIDER/DEATH/MOMENT, contains `TEXT`"},
			&cli.IntFlag{Name: "parallel", Usage: "run `N` cases at once: they mostly wait", Value: 8},
		},
		Action: runDeaths,
	}
}

func runDeaths(c *cli.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nightshift-deaths-*")
	if err != nil {
		return err
	}
	results := deaths.Run(c.Context, chosenDeaths(c), deaths.Options{
		Program: program, Dir: dir, Parallel: c.Int("parallel"),
		Each: func(r deaths.Result) {
			fmt.Fprintf(c.App.ErrWriter, "%-60s %6s  %s\n", r.Case, r.Took.Round(100*time.Millisecond), strings.Join(r.Broken(), "; "))
		},
	})
	deaths.Print(c.App.Writer, results)
	for _, r := range results {
		if len(r.Broken()) > 0 {
			return fmt.Errorf("promises were broken; logs are in %s", dir)
		}
	}
	if len(results) == 0 {
		return errors.New("no case was chosen")
	}
	return os.RemoveAll(dir)
}

func chosenDeaths(c *cli.Context) (chosen []deaths.Case) {
	choose := deaths.Few
	if c.Bool("full") {
		choose = deaths.Matrix
	}
	for _, provider := range c.StringSlice("provider") {
		for _, one := range choose(provider) {
			if strings.Contains(one.String(), c.String("only")) {
				chosen = append(chosen, one)
			}
		}
	}
	return chosen
}
