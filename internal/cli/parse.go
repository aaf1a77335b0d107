package cli

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
)

// Parse reads a command line, with args[0] being the program's name, as Main
// would, and does nothing. Its error is what is wrong with command or flags:
// what checks files that hold command lines needs no more.
func Parse(args []string, extra ...*cli.Command) error {
	app := newApp(io.Discard, io.Discard, extra)
	quieten(app.Commands)
	return app.RunContext(context.Background(), flagsFirst(app.Commands, args))
}

// CommandLines finds the calls of a program, such as "nightshift" or "go run
// ./local", in lines of shell as help texts and papers have them. The name of
// the program is the first word of each.
func CommandLines(shell, program string) (calls [][]string) {
	name := strings.Fields(program)
	for line := range strings.SplitSeq(strings.ReplaceAll(shell, "\\\n", " "), "\n") {
		var call []string
		begins := true // a command may begin here: only variables stand before it
		words := shellWord.FindAllString(line, -1)
		for i := 0; i < len(words); i++ {
			switch word := words[i]; {
			case strings.HasPrefix(word, "#"):
				i = len(words)
			case word == "|" || word == "&" || word == "&&" || word == ">":
				calls, call, begins = appendCall(calls, call), nil, true
			case begins && len(words)-i >= len(name) && slices.Equal(words[i:i+len(name)], name):
				call = []string{program}
				begins, i = false, i+len(name)-1
			case call != nil:
				call = append(call, strings.Trim(word, `'"`))
			case !assignment.MatchString(word):
				begins = false
			}
		}
		calls = appendCall(calls, call)
	}
	return calls
}

func appendCall(calls [][]string, call []string) [][]string {
	if call == nil {
		return calls
	}
	return append(calls, call)
}

var assignment = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*=`)

var shellWord = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s]+`)

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
