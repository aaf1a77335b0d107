package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// PrintReport writes a job's report for people.
func PrintReport(out io.Writer, r jobs.Report) {
	fmt.Fprintf(out, "\n%s: %s in %s\n", r.Job, r.Outcome, short(r.Finished.Sub(r.Started)))
	if r.Reason != "" {
		fmt.Fprintf(out, "\n%s\n", r.Reason)
	}
	if r.Counts.Total > 0 {
		printCounts(out, r)
	}
	printPhases(out, r)
	if r.GPUSeconds() > 0 {
		printBill(out, r)
	}
	for _, rental := range r.Rentals {
		printRental(out, rental)
	}
	for _, file := range r.Files {
		fmt.Fprintf(out, "%s  %s, %s\n", file.URL, counted(file.Lines, "line"), counted(file.Bytes, "byte"))
	}
}

func printCounts(out io.Writer, r jobs.Report) {
	fmt.Fprintf(out, "\nrequests %s: %s completed, %s failed, %s never ran\n",
		grouped(r.Counts.Total), grouped(r.Counts.Completed), grouped(r.Counts.Failed), grouped(r.Counts.NeverRan))
	if r.Counts.Invalid > 0 {
		fmt.Fprintf(out, "         %s of those that failed are invalid lines: errors.jsonl says of each what is wrong\n", grouped(r.Counts.Invalid))
	}
	if r.Counts.Reused > 0 {
		fmt.Fprintf(out, "reused   %s of the answers are of earlier jobs\n", grouped(r.Counts.Reused))
	}
	fmt.Fprintf(out, "tokens   %s in, %s out\n", grouped(r.Usage.InputTokens), grouped(r.Usage.OutputTokens))
	fmt.Fprintf(out, "cost     %s", r.Cost)
	if !r.Cost.IsZero() && r.Counts.Completed > 0 {
		per1000, perMillion := r.Cost, r.Cost
		per1000.Amount *= 1000 / float64(r.Counts.Completed)
		perMillion.Amount *= 1e6 / float64(max(1, r.Usage.InputTokens+r.Usage.OutputTokens))
		fmt.Fprintf(out, " (%s per 1,000 answers, %s per million tokens)", per1000, perMillion)
	}
	fmt.Fprintln(out)
}

func printPhases(out io.Writer, r jobs.Report) {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "phase\ttook\tGPU seconds billed\t")
	for _, phase := range r.Phases {
		fmt.Fprintf(table, "%s\t%s\t%.1f\t\n", phase.Phase, short(phase.End.Sub(phase.Start)), phase.GPUSeconds)
	}
	fmt.Fprintf(table, "total\t%s\t%.1f\t\n", short(r.Finished.Sub(r.Started)), r.GPUSeconds())
	table.Flush()
	fmt.Fprintln(out)
}

// printBill says what the endpoints' time went into.
func printBill(out io.Writer, r jobs.Report) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "endpoints\ttook\treplica minutes billed\tcost\t")
	for _, spent := range r.Bill {
		if spent.Seconds > 0 {
			fmt.Fprintf(table, "%s\t%s\t%.2f\t%s\t\n", spent.Doing, short(seconds(spent.Seconds)), spent.ReplicaSeconds/60, costOf(spent))
		}
	}
	table.Flush()
	fmt.Fprintf(out, "wasted   %.1f %% of the billed time: ready, and nothing to answer\n\n", 100*r.Wasted)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// costOf leaves out the cost of what was not billed.
func costOf(spent jobs.Spent) string {
	if spent.ReplicaSeconds == 0 {
		return ""
	}
	return spent.Cost.String()
}

func printRental(out io.Writer, r jobs.Rental) {
	fmt.Fprintf(out, "endpoint %s\n  %s: %s\n", cmp.Or(r.ID, "that never was"), r.Provider, r.Shape)
	if !r.Price.IsZero() {
		fmt.Fprintf(out, "  %s for a replica for an hour, says %s\n", r.Price, r.PriceFrom)
	}
	printMoment(out, "created", r.Created, r.Requested)
	printMoment(out, "first answer", r.Ready, r.Created)
	printShared(out, r)
	printMoment(out, "stop accepted", r.StopAsked, r.Ready)
	switch batches := r.GPUs == 0 && r.Created.IsZero() && r.ID != ""; { // an endpoint has its id from being created
	case r.Returned():
	case !r.Confirmed.IsZero():
		printMoment(out, "confirmed off", r.Confirmed, r.StopAsked)
		fmt.Fprintf(out, "  proof: %s\n", r.ConfirmHow)
	case batches:
		fmt.Fprintf(out, "  NOT CONFIRMED OVER: nightshift goes on cancelling; look at these batches in the console of %s\n", r.Provider)
	default:
		fmt.Fprintf(out, "  NOT CONFIRMED OFF: nightshift goes on trying; look for %s, and end it with:\n"+
			"    nightshift endpoints delete --provider %s %s\n", r.Called(), r.Provider, r.ID)
	}
	if r.Reason != "" {
		fmt.Fprintf(out, "  released because: %s\n", r.Reason)
	}
	fmt.Fprintln(out)
}

// printShared says with whom the job had the endpoint, and who releases it.
func printShared(out io.Writer, r jobs.Rental) {
	shared := r.Shared
	if shared == nil {
		return
	}
	fmt.Fprintf(out, "  %s\n", shared)
	if r.Returned() {
		printMoment(out, "returned", shared.Left, shared.From)
	}
}

// printMoment prints a time and how long after the one before it came.
func printMoment(out io.Writer, what string, at, before time.Time) {
	if at.IsZero() {
		return
	}
	after := ""
	if !before.IsZero() {
		after = " (+" + short(at.Sub(before)) + ")"
	}
	fmt.Fprintf(out, "  %-13s %s%s\n", what, at.UTC().Format("15:04:05.00Z"), after)
}

// WebLink is the page of a job in Temporal's Web UI; empty without a Web UI.
func WebLink(webUI, namespace, job string) string {
	if webUI == "" {
		return ""
	}
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", webUI, url.PathEscape(namespace), url.PathEscape(job))
}
