package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/jobs"
)

func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of job files, by which editors complete and check them",
		Description: "An editor with a YAML language server takes it from a job file's first line:\n\n" +
			"  # yaml-language-server: $schema=./job.schema.json\n\n" +
			"Examples:\n" +
			"  nightshift schema > job.schema.json\n" +
			"  nightshift schema | jq '.properties | keys'",
		Action: func(c *cli.Context) error {
			_, err := c.App.Writer.Write(jobs.Schema)
			return err
		},
	}
}
