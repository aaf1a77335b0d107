package cli

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/spell"
)

// prepare gives commands, and theirs, what all have in common: an environment
// name for each flag, which begins with the command's unless the flag names one
// itself, the nearest name for a misspelt one, and completion.
func prepare(commands []*cli.Command, prefix string) {
	for _, command := range commands {
		command.OnUsageError = usageError
		command.HideHelpCommand = true
		command.CustomHelpTemplate = helpTemplate(templateOf(command), command.Description)
		own := prefix + "_" + variable(command.Name)
		for _, flag := range command.Flags {
			nameVariable(flag, own)
		}
		if len(command.Subcommands) > 0 && command.Action == nil {
			command.Action = helpOrUnknown
		}
		if command.BashComplete == nil {
			command.BashComplete = complete
		}
		prepare(command.Subcommands, own)
	}
}

func templateOf(command *cli.Command) string {
	if len(command.Subcommands) > 0 {
		return cli.SubcommandHelpTemplate
	}
	return cli.CommandHelpTemplate
}

// nameVariable gives a flag without an environment name one. All of the
// library's flag types keep theirs in a field of the same name.
func nameVariable(flag cli.Flag, prefix string) {
	names := reflect.ValueOf(flag).Elem().FieldByName("EnvVars")
	if names.Len() == 0 {
		names.Set(reflect.ValueOf([]string{prefix + "_" + variable(flag.Names()[0])}))
	}
}

func variable(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// usageError says what is wrong with the flags, without the whole help.
func usageError(c *cli.Context, err error, _ bool) error {
	near := ""
	if misspelt, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		err = fmt.Errorf("unknown flag --%s", strings.TrimLeft(misspelt, "-"))
		if name := spell.Nearest(strings.TrimLeft(misspelt, "-"), flagNames(c.Command)); name != "" {
			near = "; did you mean --" + name + "?"
		}
	}
	return badInput(fmt.Errorf("%w%s; try: %s --help", err, near, c.Command.HelpName))
}

func flagNames(command *cli.Command) (names []string) {
	for _, flag := range command.Flags {
		names = append(names, flag.Names()...)
	}
	return names
}

// helpOrUnknown runs when the first argument of the program, or of a group of
// commands, is no command.
func helpOrUnknown(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowSubcommandHelp(c)
	}
	if c.Args().First() == "help" {
		return helpOf(c)
	}
	path := strings.TrimPrefix(c.Command.HelpName+" "+c.Args().First(), c.App.HelpName+" ")
	var names []string
	for _, command := range c.Command.Subcommands {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return badInput(fmt.Errorf("unknown command %q; %s", path, spell.Suggest(c.Args().First(), names)))
}
