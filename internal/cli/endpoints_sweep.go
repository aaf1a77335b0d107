package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/sweep"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:  "sweep",
		Usage: "delete nightshift's endpoints that are past their deadline",
		Description: "The deadline is in an endpoint's name, so this works when Temporal and every worker are gone.\n" +
			"Whether a job is still open cannot be known here: what is within its deadline is kept. (The\n" +
			"workers' own sweep, every ten minutes, asks Temporal as well.) Endpoints of others are never\n" +
			"touched: an installation is one Temporal namespace, and its name is in its endpoints' names.\n" +
			"Exit code 1 if an account could not be judged, or a deletion is not confirmed.\n\n" +
			"Examples:\n" +
			"  nightshift endpoints sweep --dry-run\n" +
			"  nightshift endpoints sweep --installation 1k2x9a0c",
		Flags: endpointFlags(installationFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "any-installation", Usage: "of every installation; DANGEROUS when others share the account: their endpoints past the deadline are deleted too"},
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be deleted"},
			&cli.DurationFlag{Name: "wait", Usage: "how long to wait for the provider's confirmation", Value: sweep.DefaultWait}),
		Action: runSweep,
	}
}

func runSweep(c *cli.Context) error {
	options := sweep.Options{
		Installation: c.String("installation"), Any: c.Bool("any-installation"),
		DryRun: c.Bool("dry-run"), Wait: c.Duration("wait"),
	}
	if options.Any && options.Installation != "" {
		return badInput(errors.New("give --installation or --any-installation, not both"))
	}
	accounts, err := openAccounts(c)
	if err != nil {
		return err
	}
	whose := options.Any || options.Installation != ""
	if !whose { // then nothing is deleted, and everything can be judged
		options.Any, options.DryRun = true, true
	}
	report := sweep.Run(c.Context, accounts, options)
	printSweep(c, report)
	switch err := report.Err(); {
	case c.Context.Err() != nil:
		return ErrInterrupted
	case err != nil:
		return err
	case !whose && !c.Bool("dry-run"):
		return badInput(errors.New("nothing was deleted: say whose endpoints to delete with --installation NAME, one of those above"))
	}
	return nil
}

// printSweep prints nightshift's endpoints, and on standard error what is to be
// said about all.
func printSweep(c *cli.Context, r sweep.Report) {
	var ours []sweep.Finding // of every installation
	for _, f := range r.Findings {
		if f.Name.Job != "" {
			ours = append(ours, f)
		}
	}
	switch {
	case c.Bool("json"):
		if err := printJSON(c, sweptOf(ours)); err != nil {
			fmt.Fprintln(c.App.ErrWriter, err)
		}
	case len(ours) > 0:
		printFindings(c, ours)
	}
	talk := c.App.ErrWriter
	for _, skip := range r.Skips {
		fmt.Fprintf(talk, "%s: nothing to judge: %s\n", skip.Provider, skip.Reason)
	}
	counts := []string{fmt.Sprintf("%d of nightshift's", len(ours))}
	for _, verdict := range []sweep.Verdict{sweep.Condemned, sweep.Deleted, sweep.Unconfirmed} {
		if n := r.Count(verdict); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, verdict))
		}
	}
	fmt.Fprintf(talk, "\n%s; %d not nightshift's, left alone\n", strings.Join(counts, ", "), len(r.Findings)-len(ours))
	if len(ours) > 0 {
		fmt.Fprintf(talk, "installations: %s\n", strings.Join(installations(ours), ", "))
	}
	if r.Count(sweep.Condemned) > 0 {
		fmt.Fprintln(talk, "nothing was deleted; to do so: nightshift endpoints sweep --installation NAME")
	}
	if n := withinDeadline(ours); n > 0 {
		fmt.Fprintf(talk, "%d within the deadline: to end one before, cancel its job (nightshift cancel JOB) or, if that is gone,\n"+
			"  nightshift endpoints delete --provider PROVIDER ID\n", n)
	}
}

// swept is what became of an endpoint, in JSON.
type swept struct {
	Verdict      sweep.Verdict `json:"verdict"`
	Provider     string        `json:"provider"`
	ID           string        `json:"id"`
	Job          string        `json:"job"`
	Installation string        `json:"installation"`
	Phase        string        `json:"phase"`
	Deadline     time.Time     `json:"deadline"`
	Because      string        `json:"because"`
	Error        string        `json:"error,omitempty"`
}

func sweptOf(findings []sweep.Finding) []swept {
	all := []swept{}
	for _, f := range findings {
		one := swept{
			Verdict: f.Verdict, Provider: f.Provider, ID: f.State.ID, Job: f.Name.Job, Installation: f.Name.Installation,
			Phase: string(f.State.Phase), Deadline: f.Name.Deadline, Because: f.Reason,
		}
		if f.Err != nil {
			one.Error = f.Err.Error()
		}
		all = append(all, one)
	}
	return all
}

func printFindings(c *cli.Context, findings []sweep.Finding) {
	table := newTable(c)
	fmt.Fprintln(table, "VERDICT\tPROVIDER\tID\tJOB\tINSTALLATION\tPHASE\tAGE\tBECAUSE")
	for _, f := range findings {
		because := f.Reason
		if f.Err != nil {
			because += "; " + f.Err.Error()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Verdict, f.Provider, shown(f.State.ID), shown(f.Name.Job),
			shown(f.Name.Installation), f.State.Phase, ago(f.State.CreatedAt), because)
	}
	table.Flush()
}

func installations(findings []sweep.Finding) []string {
	var names []string
	for _, f := range findings {
		names = append(names, shown(f.Name.Installation))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// withinDeadline counts what may hold a GPU and was kept for its deadline alone.
func withinDeadline(findings []sweep.Finding) int {
	n := 0
	for _, f := range findings {
		if !f.Foreign && !f.State.Phase.Off() && f.Name.Deadline.After(time.Now()) {
			n++
		}
	}
	return n
}
