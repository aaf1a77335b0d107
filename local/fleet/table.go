package fleet

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Print writes the blows as a table, and what came of the job.
func Print(out io.Writer, r Result) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "sent\tthen\taway\tno answer for\tsent again")
	for _, b := range r.Blows {
		fmt.Fprintf(table, "%.0f %%\t%s\t%s\t%s\t%d\n", 100*b.At, b.What, seconds(b.Away), seconds(b.Silence), b.Again)
	}
	_ = table.Flush()
	fmt.Fprintf(out, "%d requests, %s in %s: %d answered, %d errors, %d lost, %d answered twice, %d sent again; %d endpoint rented, %d leaked\n",
		r.Lines, r.Outcome, seconds(r.Took), r.Answered, r.Errors, r.Lost, r.Twice, r.Again, r.Rented, r.Leaked)
	fmt.Fprintln(out)
	fmt.Fprintln(table, "process\tprocessor\tmost memory")
	for _, used := range r.Used {
		fmt.Fprintf(table, "%s\t%s\t%d MB\n", used.Name, seconds(used.Processor), used.Memory/1_000_000)
	}
	_ = table.Flush()
	for _, broken := range r.Broken() {
		fmt.Fprintln(out, "BROKEN:", broken)
	}
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1f s", d.Round(100*time.Millisecond).Seconds())
}
