package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// exampleHeading begins the last part of a description.
const exampleHeading = "Examples:\n"

// helpTemplate is one of the library's with the examples at the end, where a
// terminal shows them: a command can have more flags than it has lines.
func helpTemplate(template, description string) string {
	text, examples, some := strings.Cut(description, exampleHeading)
	text = strings.TrimSpace(text)
	if text == "" {
		template = strings.ReplaceAll(template, "{{if .Description}}", "{{if false}}")
	}
	template = strings.ReplaceAll(template, `{{template "descriptionTemplate" .}}`, literal(indented(text)))
	if some {
		template = strings.TrimRight(template, "\n") + "\n\nEXAMPLES:\n   " + literal(indented(unindented(examples))) + "\n"
	}
	return template
}

// indented puts all lines but the first where the library's templates have the
// first.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n   ") }

func unindented(examples string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+strings.TrimRight(examples, "\n"), "\n  ", "\n"), "\n")
}

// literal keeps a template from reading text as its own words.
func literal(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

// helpOf runs "help COMMAND", which people type as well as "COMMAND --help".
func helpOf(c *cli.Context) error {
	args := append(strings.Fields(c.Command.HelpName), c.Args().Tail()...)
	return c.App.RunContext(c.Context, append(args, "--help"))
}
