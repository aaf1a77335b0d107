package scale

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/nightshift-run/nightshift/jobs"
)

// maxEvents is how much history a job of a million lines may take.
const maxEvents = 5000

// Broken says which promises were not kept.
func (r Result) Broken() (broken []string) {
	counts := r.Report.Counts
	for _, one := range []struct {
		is   bool
		text string
	}{
		{r.Report.Outcome != jobs.Completed, "the job ended as " + string(r.Report.Outcome)},
		{counts.Completed != int64(r.Options.Lines), fmt.Sprintf("%d of %d requests were answered", counts.Completed, r.Options.Lines)},
		{r.Lines.Lost > 0, fmt.Sprintf("%d lines were lost", r.Lines.Lost)},
		{r.Lines.Twice > 0, fmt.Sprintf("%d lines are there twice", r.Lines.Twice)},
		{r.Lines.Disorder > 0, fmt.Sprintf("%d lines are out of order", r.Lines.Disorder)},
		{r.Resent > 0 && !r.Kill, fmt.Sprintf("%d requests were sent twice", r.Resent)},
		{r.History.Events > maxEvents, fmt.Sprintf("the job took %d events of history", r.History.Events)},
	} {
		if one.is {
			broken = append(broken, one.text)
		}
	}
	return broken
}

// Print writes a table, a row a job, and what is broken. Memory is in MB: the
// peak, and the most while the first and the second half was sent.
func Print(out io.Writer, results []Result) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "lines\tworkers\tplan s\tsend s\tcollect s\treq/s\tpeak MB\t1st half\t2nd half\tlines of each\tshards\tevents\truns\tlost\ttwice\tresent\t")
	for _, r := range results {
		seconds := r.seconds()
		workers := fmt.Sprint(r.Workers)
		if r.Kill {
			workers += ", 1 killed"
		}
		fmt.Fprintf(table, "%d\t%s\t%.1f\t%.1f\t%.1f\t%.0f\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.Options.Lines, workers,
			seconds[jobs.Planning], seconds[jobs.Running], seconds[jobs.Collecting], float64(r.Options.Lines)/seconds[jobs.Running],
			r.memory(func(m Memory) float64 { return m.Peak }),
			r.memory(func(m Memory) float64 { return m.FirstHalf }),
			r.memory(func(m Memory) float64 { return m.SecondHalf }),
			strings.Join(strings.Fields(strings.Trim(fmt.Sprint(r.Shares), "[]")), "+"),
			r.History.Shards, r.History.Events, r.History.Runs, r.Lines.Lost, r.Lines.Twice, r.Resent)
	}
	_ = table.Flush()
	for _, r := range results {
		for _, what := range r.Broken() {
			fmt.Fprintf(out, "%d lines, %d workers: %s\n", r.Options.Lines, r.Workers, what)
		}
	}
}

// seconds is how long each phase took.
func (r Result) seconds() map[jobs.Phase]float64 {
	seconds := map[jobs.Phase]float64{}
	for _, phase := range r.Report.Phases {
		seconds[phase.Phase] += phase.End.Sub(phase.Start).Seconds()
	}
	return seconds
}

// memory is one figure of each worker.
func (r Result) memory(of func(Memory) float64) string {
	var figures []string
	for _, one := range r.Memory {
		figures = append(figures, fmt.Sprintf("%.0f", of(one)))
	}
	return strings.Join(figures, "+")
}
