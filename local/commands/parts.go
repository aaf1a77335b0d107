package commands

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/local/fleet"
	"github.com/nightshift-run/nightshift/local/parts"
)

// partCommands are what other commands run as processes of their own.
func partCommands() []*cli.Command {
	return []*cli.Command{
		{Name: parts.TemporalCommand, Hidden: true, Action: func(c *cli.Context) error {
			return parts.ServeTemporal(c.Context, c.App.Writer, c.Args().Get(0), c.Args().Get(1))
		}},
		{Name: parts.ObjectsCommand, Hidden: true, Action: func(c *cli.Context) error {
			return parts.ServeObjects(c.Context, c.App.Writer, c.Args().Get(0), c.Args().Get(1), c.Args().Slice()[2:]...)
		}},
		{Name: fleet.SchemaCommand, Hidden: true, SkipFlagParsing: true, Action: func(c *cli.Context) error {
			return fleet.RunSchemaTool(c.Args().Slice())
		}},
		{Name: fleet.ServerCommand, Hidden: true, Action: func(c *cli.Context) error {
			return fleet.ServeTemporal(c.Context, c.App.Writer)
		}},
		{Name: fleet.CloudCommand, Hidden: true, Action: func(c *cli.Context) error {
			rate, err := strconv.Atoi(c.Args().Get(1))
			if err != nil {
				return err
			}
			return fleet.ServeCloud(c.Context, c.App.Writer, c.Args().Get(0), rate)
		}},
	}
}
