package cli

import (
	"context"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
)

// Parse reads a command line, with args[0] being the program's name, as Main
// would, and does nothing. Its error is what is wrong with command or flags:
// what checks files that hold command lines needs no more.
func Parse(args []string) error {
	app := newApp(io.Discard, io.Discard, nil)
	quieten(app.Commands)
	return app.RunContext(context.Background(), args)
}

func quieten(commands []*cli.Command) {
	for _, command := range commands {
		if command.Action != nil {
			command.Action = func(*cli.Context) error { return nil }
		}
		quieten(command.Subcommands)
	}
}

// Variables returns the names of the environment variables that the program
// itself reads, sorted. Temporal's and AWS's come on top.
func Variables() []string {
	names := append(variablesOf(newApp(io.Discard, io.Discard, nil).Commands), variableKeys)
	for _, name := range registry.Names() {
		if variables, err := registry.VariablesOf(name); err == nil {
			names = append(names, variables.Token)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func variablesOf(commands []*cli.Command) (names []string) {
	for _, command := range commands {
		for _, flag := range command.Flags {
			if documented, ok := flag.(cli.DocGenerationFlag); ok {
				names = append(names, documented.GetEnvVars()...)
			}
		}
		names = append(names, variablesOf(command.Subcommands)...)
	}
	return names
}
