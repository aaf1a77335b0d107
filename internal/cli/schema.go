package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/gateway"
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
			"  nightshift schema | jq '.properties | keys'\n" +
			"  nightshift schema serve > serve.schema.json",
		Subcommands: []*cli.Command{{
			Name:  "serve",
			Usage: "print the JSON Schema of the file that nightshift serve reads",
			Description: "An editor takes it from the file's first line, as it takes that of job files.\n\n" +
				"Examples:\n" +
				"  nightshift schema serve > serve.schema.json\n" +
				"  nightshift schema serve | jq '.properties | keys'",
			Action: printSchema(gateway.Schema),
		}},
		Action: printSchema(jobs.Schema),
	}
}

func printSchema(schema []byte) cli.ActionFunc {
	return func(c *cli.Context) error {
		_, err := c.App.Writer.Write(schema)
		return err
	}
}
