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
	fmt.Fprintln(out)
	fmt.Fprintln(table, "\trequests\tended\tanswered\terrors\tlost\tanswered twice")
	printCounts(table, "job", r.Job)
	printCounts(table, "batch of the gateway", r.Batch)
	_ = table.Flush()
	fmt.Fprintf(out, "%s in all; %d requests sent again, %d endpoints rented, %d leaked\n", seconds(r.Took), r.Again, r.Rented, r.Leaked)
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

func printCounts(out io.Writer, what string, c Counts) {
	fmt.Fprintf(out, "%s\t%d\t%s\t%d\t%d\t%d\t%d\n", what, c.Requests, c.Outcome, c.Answered, c.Errors, c.Lost, c.Twice)
}

func seconds(d time.Duration) string {
	return fmt.Sprintf("%.1f s", d.Round(100*time.Millisecond).Seconds())
}
