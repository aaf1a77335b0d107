package cli

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/spell"
	"github.com/nightshift-run/nightshift/workflows"
)

// The scripts ask the program itself what can follow; PROGRAM stands for its
// name.
var (
	//go:embed completion/bash.sh
	bashScript string
	//go:embed completion/zsh.sh
	zshScript string
	//go:embed completion/fish.fish
	fishScript string
)

func completionCommand() *cli.Command {
	scripts := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	shells := []string{"bash", "zsh", "fish"}
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script that completes commands, flags, providers and job ids in a shell",
		ArgsUsage: "SHELL",
		Description: "SHELL is bash, zsh or fish. Have the shell read it when it starts.\n\n" +
			"Examples:\n" +
			"  nightshift completion bash > ~/.local/share/bash-completion/completions/nightshift\n" +
			"  nightshift completion zsh > \"${fpath[1]}/_nightshift\"\n" +
			"  nightshift completion fish > ~/.config/fish/completions/nightshift.fish",
		BashComplete: func(c *cli.Context) { fmt.Fprintln(c.App.Writer, strings.Join(shells, "\n")) },
		Action: func(c *cli.Context) error {
			shell, err := oneArgument(c, "the shell: "+strings.Join(shells, ", "))
			if err != nil {
				return err
			}
			script, known := scripts[shell]
			if !known {
				return badInput(fmt.Errorf("unknown shell %q; %s", shell, spell.Suggest(shell, shells)))
			}
			fmt.Fprint(c.App.Writer, strings.ReplaceAll(script, "PROGRAM", c.App.HelpName))
			return nil
		},
	}
}

// complete prints what can follow: values after a flag whose values are known,
// else the library's flags and commands.
func complete(c *cli.Context) {
	if values := valuesOf(wordBefore()); len(values) > 0 {
		fmt.Fprintln(c.App.Writer, strings.Join(values, "\n"))
		return
	}
	cli.DefaultCompleteWithFlags(c.Command)(c)
}

// wordBefore is the last word before the one that is being completed. The
// scripts leave that one out, unless it begins with a dash.
func wordBefore() string {
	if len(os.Args) < 3 {
		return ""
	}
	return os.Args[len(os.Args)-2]
}

// valuesOf are those of flags that have few.
func valuesOf(word string) []string {
	switch strings.TrimLeft(word, "-") {
	case word: // no flag
		return nil
	case "provider":
		return registry.Names()
	case "state":
		return stateNames()
	case "mode":
		return []string{"endpoint", "provider-batch"}
	case "role":
		return []string{"control", "data"}
	}
	return nil
}

// completeJobs completes the ids of jobs, open ones first.
func completeJobs(c *cli.Context) { completeIDs(c, recentJobs) }

// completeSchedules completes the ids of schedules.
func completeSchedules(c *cli.Context) {
	completeIDs(c, func(ctx context.Context, connected *session) ([]string, error) {
		return scheduleIDs(ctx, connected.Client)
	})
}

// completeIDs completes the first argument by what Temporal knows. Nothing is
// said of errors: there is no place for it.
func completeIDs(c *cli.Context, ask func(context.Context, *session) ([]string, error)) {
	if c.NArg() > 0 || strings.HasPrefix(wordBefore(), "-") {
		complete(c)
		return
	}
	ctx, cancel := context.WithTimeout(c.Context, completionPatience)
	defer cancel()
	c.Context = ctx
	connected, err := connect(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return
	}
	defer connected.Close()
	if ids, err := ask(ctx, connected); err == nil {
		fmt.Fprintln(c.App.Writer, strings.Join(ids, "\n"))
	}
}

// completionPatience is how long a person may wait for a Tab.
const completionPatience = 1500 * time.Millisecond

// recentJobs asks for a screen of jobs.
func recentJobs(ctx context.Context, connected *session) (ids []string, err error) {
	found, _, err := connected.find(ctx, "WorkflowType = '"+workflows.BatchWorkflow+"' AND ExecutionStatus != 'ContinuedAsNew'", 30)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b listedJob) int {
		if a.Ended.IsZero() == b.Ended.IsZero() {
			return 0
		}
		if a.Ended.IsZero() {
			return -1
		}
		return 1
	})
	for _, job := range found {
		ids = append(ids, job.Job)
	}
	return ids, nil
}
