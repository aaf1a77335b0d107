package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst puts a command's flags before its arguments, where the library
// wants them: people write "status JOB --json" as well. What stands behind "--"
// is an argument. What asks for completions is left as it is, and so is what a
// command hands on as it came.
func flagsFirst(commands []*cli.Command, args []string) []string {
	command, at := commandOf(commands, args)
	if command == nil || command.SkipFlagParsing || args[len(args)-1] == "--generate-bash-completion" {
		return args
	}
	var flags, others []string
	for i := at; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--":
			others = append(others, args[i:]...)
			i = len(args)
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			others = append(others, arg)
		default:
			flags = append(flags, arg)
			if takesValue(command, arg) && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		}
	}
	return append(append(append([]string{}, args[:at]...), flags...), others...)
}

// commandOf finds the command that the arguments, of which the first is the
// program's name, begin with, and where its own arguments begin; nil if they
// begin with none.
func commandOf(commands []*cli.Command, args []string) (command *cli.Command, at int) {
	for at = 1; at < len(args); at++ {
		next := commandNamed(commands, args[at])
		if next == nil {
			break
		}
		command, commands = next, next.Subcommands
	}
	return command, at
}

func commandNamed(commands []*cli.Command, name string) *cli.Command {
	for _, command := range commands {
		if command.HasName(name) {
			return command
		}
	}
	return nil
}

// takesValue reports whether the argument behind a flag is its value.
func takesValue(command *cli.Command, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	for _, flag := range command.Flags {
		for _, known := range flag.Names() {
			if known == name {
				documented, ok := flag.(cli.DocGenerationFlag)
				return ok && documented.TakesValue()
			}
		}
	}
	return false
}
