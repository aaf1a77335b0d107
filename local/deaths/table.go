package deaths

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// Print writes one table a provider, its totals, and what is broken.
func Print(out io.Writer, results []Result) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	provider, broken := "", 0
	var total Result
	for _, r := range results {
		if r.Provider != provider {
			fmt.Fprintf(table, "%s\twhile\tthe job\trented\tleaked\tdoubled\tlost\ttwice\tresent\trelease\t\n", r.Provider)
			provider = r.Provider
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%s\t%s\n", r.Death, r.Moment, r.Ended, r.Rented,
			r.Leaked, r.Doubled, ifAssembled(r, r.Lost), ifAssembled(r, r.Twice), r.Resent, seconds(r), verdict(r))
		if len(r.Broken()) > 0 {
			broken++
		}
		total.add(r)
	}
	fmt.Fprintf(table, "%d cases\t\t%d broken\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", len(results), broken, total.Rented,
		total.Leaked, total.Doubled, total.Lost, total.Twice, total.Resent, seconds(total))
	_ = table.Flush()
	for _, r := range results {
		for _, what := range r.Broken() {
			fmt.Fprintf(out, "%s: %s\n", r.Case, what)
		}
	}
}

// add adds another result's counts, and keeps the slower release.
func (r *Result) add(other Result) {
	r.Rented += other.Rented
	r.Leaked += other.Leaked
	r.Doubled += other.Doubled
	r.Lost += other.Lost
	r.Twice += other.Twice
	r.Resent += other.Resent
	if !other.Survived {
		r.Release = max(r.Release, other.Release)
	}
}

func ifAssembled(r Result, n int) string {
	if !r.Assembled {
		return "-"
	}
	return strconv.Itoa(n)
}

func seconds(r Result) string {
	if r.Survived || r.Rented == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f s", r.Release.Round(100*time.Millisecond).Seconds())
}

func verdict(r Result) string {
	if len(r.Broken()) > 0 {
		return "BROKEN"
	}
	return ""
}
