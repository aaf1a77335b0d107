package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestFlagsFirst(t *testing.T) {
	t.Parallel()
	commands := append(newApp(io.Discard, io.Discard, nil).Commands, &cli.Command{Name: "raw", SkipFlagParsing: true})
	for given, want := range map[string]string{
		"status JOB --json":                                "status --json JOB",
		"run job.yaml --deadline 2h --attach --id x":       "run --deadline 2h --attach --id x job.yaml",
		"run --deadline=2h job.yaml --input a --input b":   "run --deadline=2h --input a --input b job.yaml",
		"schedule backfill nightly --from 1 --to 2":        "schedule backfill --from 1 --to 2 nightly",
		"init - --provider nebius":                         "init --provider nebius -",
		"results JOB -o out.jsonl":                         "results -o out.jsonl JOB",
		"cancel -- --wait":                                 "cancel -- --wait",
		"run job.yaml --nope":                              "run --nope job.yaml",
		"run job.yaml --id":                                "run --id job.yaml",
		"--help run":                                       "--help run",
		"sbmit job.yaml --json":                            "sbmit job.yaml --json",
		"run --provider nebius --generate-bash-completion": "run --provider nebius --generate-bash-completion",
		"raw --db temporal setup -v 0":                     "raw --db temporal setup -v 0",
		"list":                                             "list",
		"":                                                 "",
	} {
		got := flagsFirst(commands, append([]string{"nightshift"}, strings.Fields(given)...))
		if text := strings.Join(got[1:], " "); text != want {
			t.Errorf("%q is run as %q, want %q", given, text, want)
		}
	}
}
