package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "check a job file and its whole input, and estimate what the job takes",
		ArgsUsage: "JOB.yaml",
		Description: "Reads the input here, from S3 or from files, and checks every line as a worker does before it\n" +
			"rents anything; with the provider's token also whether the endpoint is offered. Needs no\n" +
			"Temporal, writes nothing, rents nothing. Problems go to standard output, one a line; exit code 2\n" +
			"if the job would be refused.\n\n" +
			"The estimate takes a token for " + tokenBasis + ": half as many or twice as many\n" +
			"are possible. Minutes and money need the speed of one replica, which nobody can tell beforehand:\n" +
			"a small job's report has it.\n\n" +
			"Examples:\n" +
			"  nightshift check job.yaml\n" +
			"  nightshift check --tokens-per-second 9000 --output-tokens 250 job.yaml\n" +
			"  NEBIUS_API_KEY=... nightshift check --prices prices.yaml job.yaml",
		Flags: slices.Concat(storeFlags(), providerFlags(), []cli.Flag{
			pricesFlag(), jsonFlag(),
			&cli.Float64Flag{Name: "tokens-per-second", Usage: "`TOKENS` of prompts and answers together that one replica handles in a second"},
			&cli.Float64Flag{Name: "output-tokens", Usage: "`TOKENS` of an answer on average; else what the lines allow at most"},
		}),
		Action: runCheck,
	}
}

func runCheck(c *cli.Context) error {
	path, err := oneArgument(c, "the job file")
	if err != nil {
		return err
	}
	if c.Float64("tokens-per-second") < 0 || c.Float64("output-tokens") < 0 {
		return badInput(errors.New("--tokens-per-second and --output-tokens must not be negative"))
	}
	spec, err := readSpec(path)
	if err != nil {
		return badInput(err)
	}
	check := &inputCheck{out: c.App.Writer, spec: spec, speed: c.Float64("tokens-per-second"), answer: c.Float64("output-tokens")}
	if check.offers, err = readOffers(c, spec); err != nil {
		return err
	}
	if err := check.read(c); err != nil {
		return checkError(c, err)
	}
	if c.Bool("json") {
		if err := printJSON(c, check.estimate()); err != nil {
			return err
		}
	} else {
		check.printProblems()
		check.printEstimate()
	}
	if !check.runs() {
		return &exitError{code: exitBadInput}
	}
	return nil
}

// runs reports whether the job would not be refused.
func (i *inputCheck) runs() bool {
	return i.plan.Runs() && !slices.ContainsFunc(i.offers, func(o offer) bool { return o.refused })
}

// inputCheck is what is known of a job's input.
type inputCheck struct {
	out           io.Writer
	spec          jobs.Spec
	speed, answer float64 // tokens of one replica in a second, tokens of an answer; 0 is not told
	plan          batchfile.Plan
	asked         asked
	offers        []offer // one for each of the spec's endpoints
}

// read goes through the input.
func (i *inputCheck) read(c *cli.Context) error {
	store, err := openStore(c.Context, c)
	if err != nil {
		return err
	}
	planning := &activities.Planning{Store: store, TempDir: c.String("temp-dir")}
	call := workflows.PlanCall{
		Input: i.spec.Input, Output: i.spec.Output, OnInvalid: i.spec.OnInvalid, Models: i.spec.Models, MaxLine: i.spec.MaxLine,
	}
	i.plan, err = planning.Inspect(c.Context, call, i.asked.add, nil)
	return err
}

// checkError sorts why the input could not be read.
func checkError(c *cli.Context, err error) error {
	if c.Context.Err() != nil {
		return ErrInterrupted
	}
	told, sorted := errors.AsType[*temporal.ApplicationError](err)
	if !sorted {
		return err
	}
	if slices.Contains(correctable, told.Type()) {
		return badInput(errors.New(told.Message()))
	}
	return errors.New(told.Message())
}

// printProblems tells what is wrong, the first thousand one by one.
func (i *inputCheck) printProblems() {
	for _, p := range i.plan.Problems {
		if p.Param != "" {
			p.Code += " " + p.Param
		}
		fmt.Fprintf(i.out, "%s%s: %s\n", p.Place(), p.Code, p.Message)
	}
	if i.plan.ProblemCount == 0 {
		return
	}
	fmt.Fprintf(i.out, "\n%s", countOf(i.plan.ProblemCount, "problem"))
	if hidden := i.plan.ProblemCount - int64(len(i.plan.Problems)); hidden > 0 {
		fmt.Fprintf(i.out, ", of which the first %s are above", grouped(int64(len(i.plan.Problems))))
	}
	fmt.Fprintln(i.out, ":")
	var codes []string
	for code := range i.plan.ProblemsByCode {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		fmt.Fprintf(i.out, "  %12s %s\n", grouped(i.plan.ProblemsByCode[code]), code)
	}
	switch {
	case i.plan.Runs():
		fmt.Fprintf(i.out, "%s lines would become error lines, and the others run: on_invalid is skip\n\n", grouped(i.plan.Skipped))
	case i.spec.OnInvalid == jobs.SkipInvalid:
		fmt.Fprint(i.out, "the job would be refused, although on_invalid is skip\n\n")
	case i.plan.Broken():
		fmt.Fprint(i.out, "the job would be refused; try: another input\n\n")
	default:
		fmt.Fprint(i.out, "the job would be refused; try: correct the lines, or on_invalid: skip\n\n")
	}
}
