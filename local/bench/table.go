package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Print writes the table.
func Print(out io.Writer, rows []Row) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tbare loop\tnightshift\tratio\ttarget\t")
	for _, row := range rows {
		ratio, verdict := "", ""
		if row.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", row.Ratio)
		}
		if row.Missed {
			verdict = "MISSED"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", row.What, row.Bare, row.Ours, ratio, row.Target, verdict)
	}
	_ = table.Flush()
}

// rate is so many requests in so many seconds.
func rate(requests int64, seconds float64) string {
	return grouped(int64(float64(requests)/seconds)) + " req/s"
}

// grouped writes a number with commas between its thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// micros is what each of so many requests takes of so many seconds.
func micros(seconds float64, requests int64) string {
	return fmt.Sprintf("%.0f µs", seconds*1e6/float64(requests))
}

func seconds(s float64) string { return strings.TrimSpace(fmt.Sprintf("%.2f s", s)) }
