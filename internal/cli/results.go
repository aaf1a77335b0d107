package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/api/serviceerror"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/submitted"
)

func resultsCommand() *cli.Command {
	return &cli.Command{
		Name:      "results",
		Usage:     "print a job's answers, or stream them while it runs",
		ArgsUsage: "JOB",
		Description: "Reads the bucket itself and prints JSONL, uncompressed, in input order. JOB is a job's id,\n" +
			"or its output, for which no Temporal server is needed. With --follow, finished lines are\n" +
			"printed as they come, until the job ends.\n\n" +
			"Examples:\n" +
			"  nightshift results 20261121-020000-nightly-summaries-k3fq > answers.jsonl\n" +
			"  nightshift results -o answers.jsonl s3://my-bucket/answers/\n" +
			"  nightshift results --errors --follow 20261121-020000-nightly-summaries-k3fq",
		Flags: append(slices.Concat(temporalFlags(), storeFlags()),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FILE` to write instead of standard output; it appears when it is whole, but with --follow"},
			&cli.BoolFlag{Name: "errors", Usage: "the lines of requests that were not answered"},
			&cli.BoolFlag{Name: "follow", Usage: "print lines as they are finished, until the job ends"},
		),
		BashComplete: completeJobs,
		Action:       printResults,
	}
}

func printResults(c *cli.Context) error {
	job, err := oneArgument(c, "the job's id or its output")
	if err != nil {
		return err
	}
	store, err := openStore(c.Context, c)
	if err != nil {
		return badInput(err)
	}
	reading := &activities.Reading{Store: store, Errors: c.Bool("errors")}
	if strings.Contains(job, "://") {
		if c.Bool("follow") {
			return badInput(errors.New("--follow needs the job's id: an output does not tell whether a job runs"))
		}
		reading.Output = job
		return writeResults(c, func(w io.Writer) (int64, error) { return reading.All(c.Context, w) })
	}
	connected, job, err := connectToJob(c)
	if err != nil {
		return err
	}
	defer connected.Close()
	input, err := submitted.Input(c.Context, connected.Client, job)
	if _, gone := errors.AsType[*serviceerror.NotFound](err); gone {
		return badInput(fmt.Errorf("no job %s on this server; name its output instead, such as: nightshift results s3://bucket/prefix/", job))
	}
	if err != nil {
		return err
	}
	reading.Job, reading.Output = job, input.Spec.Output
	if c.Bool("follow") {
		return writeResults(c, func(w io.Writer) (int64, error) { return followResults(c.Context, connected, reading, w) })
	}
	err = writeResults(c, func(w io.Writer) (int64, error) { return reading.All(c.Context, w) })
	if errors.Is(err, activities.ErrNoResults) {
		return connected.explainNoResults(c.Context, job, err)
	}
	return err
}

// explainNoResults says what a job without results is doing.
func (s *session) explainNoResults(ctx context.Context, job string, err error) error {
	open, described := s.isOpen(ctx, job)
	switch {
	case described != nil:
		return errors.Join(err, described)
	case !open:
		return fmt.Errorf("%w: it ended without assembling any; see: nightshift status %s, and go on with its answers, if it has some, by: nightshift retry %s", err, job, job)
	}
	return fmt.Errorf("job %s has not assembled its results yet; see what is finished so far with: nightshift results --follow %s", job, job)
}

// followEvery is how often the bucket is asked for finished lines: workers
// write them every three seconds.
const followEvery = 2 * time.Second

// followResults hands out finished lines until the job has ended.
func followResults(ctx context.Context, s *session, reading *activities.Reading, w io.Writer) (int64, error) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		open, err := s.isOpen(ctx, reading.Job) // before the reading: what it has finished by then is all
		if err != nil {
			return 0, err
		}
		if !open {
			return reading.Rest(ctx, w)
		}
		if lines, err := reading.Follow(ctx, w); err != nil {
			return lines, err
		}
		if flusher, ok := w.(*bufio.Writer); ok {
			if err := flusher.Flush(); err != nil {
				return 0, err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, ErrInterrupted
		}
	}
}

// writeResults has copy write to the place that the flags name, and says how
// much it was.
func writeResults(c *cli.Context, copy func(io.Writer) (int64, error)) error {
	out, finish, err := resultsPlace(c)
	if err != nil {
		return badInput(err)
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	lines, err := copy(buffered)
	if flushed := buffered.Flush(); err == nil {
		err = flushed
	}
	if c.Context.Err() != nil {
		err = ErrInterrupted
	}
	if err := finish(err); err != nil {
		return err
	}
	if name := c.String("output"); name != "" {
		fmt.Fprintf(c.App.ErrWriter, "%s: %s\n", name, counted(lines, "line"))
	} else if lines == 0 {
		fmt.Fprintln(c.App.ErrWriter, "there are no such lines")
	}
	return nil
}

// resultsPlace opens what results are written to. finish is told how that went
// and returns it: of a copy that failed no file is left, unless it was followed.
func resultsPlace(c *cli.Context) (out io.Writer, finish func(error) error, err error) {
	name := c.String("output")
	if name == "" {
		return c.App.Writer, func(err error) error { return err }, nil
	}
	if c.Bool("follow") {
		file, err := os.Create(name)
		return file, func(err error) error { return errors.Join(err, file.Close()) }, err
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".nightshift-results-*")
	if err != nil {
		return nil, nil, err
	}
	return file, func(err error) error {
		if err = errors.Join(err, file.Close()); err == nil {
			err = errors.Join(os.Chmod(file.Name(), 0o644), os.Rename(file.Name(), name))
		}
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
		return err
	}, nil
}
