package cli

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
)

// eachCommand calls visit with every command that a person sees, and the path
// of names that leads to it.
func eachCommand(commands []*cli.Command, path []string, visit func(path []string, command *cli.Command)) {
	for _, command := range commands {
		if command.Hidden {
			continue
		}
		at := append(slices.Clone(path), command.Name)
		visit(at, command)
		eachCommand(command.Subcommands, at, visit)
	}
}

func TestCommands_EachFlagHasAnEnvironmentName(t *testing.T) {
	t.Parallel()
	known := regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
	meaning := map[string]string{} // of a variable: a flag of the same name
	eachCommand(newApp(io.Discard, io.Discard, nil).Commands, nil, func(path []string, command *cli.Command) {
		for _, flag := range command.Flags {
			name := strings.Replace(flag.Names()[0], "together-v1", "together", 1) // one account
			variables := flag.(cli.DocGenerationFlag).GetEnvVars()
			if len(variables) == 0 {
				t.Errorf("%v --%s has no environment name", path, name)
			}
			for _, variable := range variables {
				if !known.MatchString(variable) {
					t.Errorf("%v --%s is called %q in the environment", path, name, variable)
				}
				if other := meaning[variable]; other != "" && other != name {
					t.Errorf("%s stands for --%s and, in %v, for --%s", variable, other, path, name)
				}
				meaning[variable] = name
			}
		}
	})
}

func TestCommands_SayWhatTheyAreForWithExamplesThatParse(t *testing.T) {
	t.Parallel()
	eachCommand(newApp(io.Discard, io.Discard, nil).Commands, nil, func(path []string, command *cli.Command) {
		if command.Usage == "" || len(command.Subcommands) == 0 && command.Description == "" {
			t.Errorf("%v does not say what it is for", path)
		}
		if len(command.Subcommands) > 0 {
			return
		}
		_, text, _ := strings.Cut(command.Description, "Examples:\n")
		examples := strings.Split(strings.TrimSpace(text), "\n")
		if text == "" || len(examples) < 2 {
			t.Errorf("%v: help ends with %d examples, want two or three", path, len(examples))
			return
		}
		for _, example := range examples {
			for _, args := range CommandLines(example, "nightshift") {
				if reached, err := parsed(args); err != nil || reached == "" {
					t.Errorf("%v: %q: reached %q, %v", path, strings.TrimSpace(example), reached, err)
				}
			}
		}
	})
}

func TestCommands_JobFlagsSayWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	for _, field := range jobs.Fields() {
		if name, usage := jobFlagOf(field.Path); usage == "" {
			t.Errorf("--%s, for %s of a job file, has no help", name, field.Path)
		}
	}
}

func TestCommands_PrintJSONForPrograms(t *testing.T) {
	t.Parallel()
	others := map[string]string{
		"init": "a file", "schema serve": "JSON anyway", "results": "JSONL anyway", "completion": "a script",
		"worker": "nothing", "serve": "nothing", "serve key": "the key alone", "codec key": "the key alone", "codec serve": "nothing", "sim": "nothing", "setup": "nothing to go by", "health": "an exit code",
		"endpoints delete": "what became of each, and an exit code",
		"schedule pause":   "nothing", "schedule resume": "nothing", "schedule delete": "nothing",
	}
	eachCommand(newApp(io.Discard, io.Discard, nil).Commands, nil, func(path []string, command *cli.Command) {
		name := strings.Join(path, " ")
		if len(command.Subcommands) > 0 || slices.Contains(flagNames(command), "json") {
			return
		}
		if others[name] == "" {
			t.Errorf("%s has no --json", name)
		}
	})
}

// TestHelp_EndsWithExamples: also where the flags alone fill a terminal, and in
// both ways of asking for it.
func TestHelp_EndsWithExamples(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help"}, {"run", "--help"}, {"help", "run"}, {"schedule", "--help"}, {"schedule", "help", "backfill"}, {"list", "--help"}} {
		text, talk, code := runApp(t, args...)
		options, examples := strings.Index(text, "OPTIONS:\n"), strings.Index(text, "EXAMPLES:\n   nightshift ")
		if code != 0 || talk != "" || options < 0 || examples < options || strings.Contains(text, "Examples:") {
			t.Errorf("%v ended with %d, examples at %d, options at %d:\n%s%s", args, code, examples, options, text, talk)
		}
	}
	if text, _, code := runApp(t, "--version"); code != 0 || !strings.HasPrefix(text, "nightshift version ") {
		t.Errorf("--version ended with %d: %s", code, text)
	}
}

// parsed runs a command line whose actions do nothing, and returns the name of
// the command that it reached.
func parsed(args []string) (reached string, err error) {
	app := newApp(io.Discard, io.Discard, nil)
	eachCommand(app.Commands, nil, func(path []string, command *cli.Command) {
		if len(command.Subcommands) > 0 {
			return
		}
		command.Action = func(*cli.Context) error {
			reached = strings.Join(path, " ")
			return nil
		}
	})
	oneApp.Lock()
	defer oneApp.Unlock()
	return reached, app.Run(args)
}

func TestCommands_SuggestTheNearestName(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sbumit"}, "did you mean submit?"},
		{[]string{"endpoints", "lsit"}, "did you mean list?"},
		{[]string{"list", "--stat", "open"}, "did you mean --state?"},
		{[]string{"list", "--state", "opne"}, "did you mean open?"},
		{[]string{"list", "--provider", "nebuis"}, "did you mean nebius?"},
		{[]string{"run", "--provider", "nebuis", "--model", "m", "--input", "s3://b/i", "--output", "s3://b/o/"}, "did you mean nebius?"},
		{[]string{"completion", "bsh"}, "did you mean bash?"},
		{[]string{"init", "--provider", "nebuis", "-"}, "did you mean nebius?"},
	} {
		_, talk, code := runApp(t, c.args...)
		if code != 2 || !strings.Contains(talk, c.want) {
			t.Errorf("%v ended with %d: %s, want %q", c.args, code, talk, c.want)
		}
	}
}

func TestCompletion_PrintsAScriptForEachShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, talk, code := runApp(t, "completion", shell)
		if code != 0 || !strings.Contains(script, "--generate-bash-completion") || strings.Contains(script, "PROGRAM") {
			t.Errorf("%s: ended with %d: %s%s", shell, code, script, talk)
		}
	}
}

func TestCompletion_KnowsCommandsFlagsAndProviders(t *testing.T) {
	for line, want := range map[string]string{
		"":                  "pause\n",
		"endpoints":         "sweep\n",
		"list --sta":        "--state\n",
		"run --provider":    strings.Join(registry.Names(), "\n") + "\n",
		"list --state":      "paused\n",
		"completion":        "zsh\n",
		"endpoints list -":  "--json\n",
		"worker --nebius-b": "--nebius-base-url\n",
	} {
		args := append(strings.Fields(line), "--generate-bash-completion")
		before := os.Args
		os.Args = append([]string{"nightshift"}, args...) // the library looks there
		out, _, _ := runApp(t, args...)
		os.Args = before
		if !strings.Contains(out, want) {
			t.Errorf("%q completes to %q, want %q", line, out, want)
		}
	}
}
