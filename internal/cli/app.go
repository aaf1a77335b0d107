// Package cli is nightshift's command line: one file a command. It alone reads
// flags and the environment, and it alone makes clients.
//
// Data goes to standard output and talk to standard error. Exit codes: see
// [Main].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// Exit codes.
const (
	exitOK          = 0
	exitBadly       = 1   // a job ended badly, or nightshift could not do its work
	exitBadInput    = 2   // job file, input, flags or token: something for a person to correct
	exitFailedLines = 3   // a job completed, and some of its lines are in the errors file
	exitInterrupted = 130 // by a signal
)

// Main runs the command line and returns the process's exit code: 0 when all
// went well, 1 when a job ended badly, 2 for bad input, 3 for a job that
// completed with failed lines, 130 when interrupted. Commands given in extra come on top of nightshift's own.
func Main(ctx context.Context, args []string, extra ...*cli.Command) int {
	app := newApp(os.Stdout, os.Stderr, extra)
	err := app.RunContext(ctx, flagsFirst(app.Commands, args))
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "nightshift: "+text)
	}
	if coded, ok := errors.AsType[*exitError](err); ok {
		return coded.code
	}
	return exitBadly
}

func newApp(stdout, stderr io.Writer, extra []*cli.Command) *cli.App {
	app := &cli.App{
		Name:  "nightshift",
		Usage: "run batches of prompts on GPU endpoints that are rented for them and proven gone afterwards",
		Description: "A job file names the prompts in S3 (JSONL in the OpenAI Batch format), the endpoint to rent\n" +
			"and the place for the answers. Temporal makes every step of it durable.\n\n" +
			"Exit codes: 0 completed, 1 ended badly, 2 something for you to correct, 3 completed with failed\n" +
			"lines, 130 interrupted.\n\n" +
			"Examples:\n" +
			"  nightshift init --provider nebius\n" +
			"  nightshift run job.yaml\n" +
			"  nightshift list --state open",
		Version:   buildOf(debug.ReadBuildInfo()).Version,
		Writer:    stdout,
		ErrWriter: stderr,
		Commands: append([]*cli.Command{
			initCommand(), checkCommand(),
			runCommand(), submitCommand(), watchCommand(), listCommand(), statusCommand(), reportCommand(),
			pauseCommand(), resumeCommand(), cancelCommand(), retryCommand(), resultsCommand(), scheduleCommand(), schemaCommand(),
			endpointsCommand(), doctorCommand(), workerCommand(), setupCommand(), healthCommand(), serveCommand(), codecCommand(), simCommand(), versionCommand(), completionCommand(),
		}, extra...),
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true, // an object's key may hold a comma
		EnableBashCompletion:      true, // for every shell: see completionCommand
		Action:                    helpOrUnknown,
		ExitErrHandler:            func(*cli.Context, error) {}, // Main decides how to end
		OnUsageError:              usageError,
	}
	app.CustomAppHelpTemplate = helpTemplate(cli.AppHelpTemplate, app.Description)
	prepare(app.Commands, "NIGHTSHIFT")
	return app
}

// exitError is an error with the exit code that it stands for. An empty text
// means that everything has been said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// ErrInterrupted ends a command that a signal ended; what there was to say about
// it has been said.
var ErrInterrupted error = &exitError{code: exitInterrupted}

func badInput(err error) error { return &exitError{exitBadInput, err} }

// exactly one argument, or an error that says which.
func oneArgument(c *cli.Context, what string) (string, error) {
	if c.NArg() != 1 {
		return "", badInput(fmt.Errorf("%s takes one argument, %s; try: nightshift %s --help", c.Command.Name, what, c.Command.Name))
	}
	return c.Args().First(), nil
}
