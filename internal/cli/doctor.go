package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/jobs"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "check everything that a job needs, by doing it",
		ArgsUsage: "[JOB.yaml]",
		Description: "Asks Temporal for its namespace, workers and the sweep's schedule, every provider whose token\n" +
			"is set here for its endpoints and offers, and writes, reads and deletes small objects below\n" +
			"--bucket. With a job file also below the job's output, its input, and whether the endpoint is\n" +
			"offered and at what price. Rents nothing. All checks are made even when one fails; exit code 1\n" +
			"if one did. Tokens and bucket access are those of this shell, which need not be the workers'.\n\n" +
			"Examples:\n" +
			"  nightshift doctor\n" +
			"  nightshift doctor --bucket s3://my-bucket/nightshift/\n" +
			"  NEBIUS_API_KEY=... nightshift doctor job.yaml",
		Flags: slices.Concat(temporalFlags(), storeFlags(), providerFlags(), []cli.Flag{
			pricesFlag(), jsonFlag(),
			&cli.StringSliceFlag{Name: "bucket", Usage: "`URL` of a prefix to write below, such as s3://bucket/prefix/"},
		}),
		Action: runDoctor,
	}
}

func runDoctor(c *cli.Context) error {
	if c.NArg() > 1 {
		return badInput(errors.New("doctor takes at most one argument, a job file"))
	}
	settings, err := providerSettings(c)
	if err != nil {
		return err
	}
	priced, err := readPrices(c)
	if err != nil {
		return err
	}
	d := &doctor{out: c.App.Writer}
	if c.Bool("json") {
		d.out = io.Discard
	}
	spec := d.jobFile(c.Args().First())
	d.temporal(c)
	d.providers(c.Context, settings)
	d.buckets(c, spec)
	if spec != nil {
		d.endpoints(c.Context, *spec, settings, priced)
	}
	if c.Context.Err() != nil {
		return ErrInterrupted
	}
	if c.Bool("json") {
		if err := printJSON(c, d.all); err != nil {
			return err
		}
	}
	if d.failed > 0 {
		fmt.Fprintf(c.App.ErrWriter, "\n%d of %d checks failed\n", d.failed, d.made)
		return &exitError{code: exitBadly}
	}
	fmt.Fprintf(c.App.ErrWriter, "\nall %d checks passed\n", d.made)
	return nil
}

// checkWait bounds one check.
const checkWait = 30 * time.Second

// doctor prints what it finds and counts it.
type doctor struct {
	out          io.Writer
	made, failed int
	all          []checked
}

// checked is a check in JSON.
type checked struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, FAILED or skipped
	Detail string `json:"detail,omitempty"`
	Try    string `json:"try,omitempty"`
}

// finding is what came of one check: all is well if there is no error.
type finding struct {
	detail string // what was seen
	err    error  // what is wrong
	remedy string // what to do about it
}

// check makes one check and prints what came of it; it reports whether all was
// well.
func (d *doctor) check(ctx context.Context, what string, check func(context.Context) finding) bool {
	checking, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	f := check(checking)
	d.made++
	if f.err == nil {
		d.line("ok", what, f.detail)
		return true
	}
	d.failed++
	d.line("FAILED", what, strings.ReplaceAll(f.err.Error(), "\n", "\n        "))
	d.all[len(d.all)-1].Try = f.remedy
	if f.remedy != "" {
		fmt.Fprintf(d.out, "        try: %s\n", f.remedy)
	}
	return false
}

func (d *doctor) line(result, what, detail string) {
	d.all = append(d.all, checked{Check: what, Result: result, Detail: detail})
	fmt.Fprintln(d.out, strings.TrimSuffix(fmt.Sprintf("%-7s %s: %s", result, what, detail), ": "))
}

// skip says why a check was not made.
func (d *doctor) skip(what, why string) { d.line("skipped", what, why) }

// jobFile reads the job file, if one is given. Without a readable one there is
// nothing to check about a job.
func (d *doctor) jobFile(path string) *jobs.Spec {
	if path == "" {
		return nil
	}
	var spec jobs.Spec
	ok := d.check(context.Background(), "job file", func(context.Context) (f finding) {
		spec, f.err = readSpec(path)
		f.detail, f.remedy = path, "correct the file; nightshift schema says what may be in it, nightshift init writes one"
		return f
	})
	if !ok {
		return nil
	}
	return &spec
}
