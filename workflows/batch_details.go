package workflows

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// tell renews the page that the Web UI shows of a job. It is no event of the
// history, so it may come as often as there is news.
func (b *batch) tell() { workflow.SetCurrentDetails(b.life, b.details()) }

// details is that page, in Markdown.
func (b *batch) details() string {
	counts, usage := b.counts()
	over := jobs.Report{Rentals: b.state.Report.Rentals}
	over.Settle()
	parts := []string{"## " + b.label(), b.state.Report.Reason, gauge(counts),
		table("|---:|---:|---:|---:|", "lines", "failed", "shards", "tokens",
			grouped(counts.Done())+" of "+grouped(counts.Total), grouped(counts.Failed),
			fmt.Sprintf("%d of %d", b.done, b.state.Plan.Shards), grouped(usage.InputTokens)+" in, "+grouped(usage.OutputTokens)+" out"),
		b.phaseTable(),
		b.endpointDetails(),
		costDetails(over, b.phase == jobs.Ended),
		b.places(),
	}
	var text []string
	for _, part := range parts {
		if part != "" {
			text = append(text, part)
		}
	}
	return strings.Join(text, "\n\n")
}

// gauge is how far a job is, as a bar of twenty blocks; none before its lines
// are counted.
func gauge(counts jobs.Counts) string {
	if counts.Total <= 0 {
		return ""
	}
	const blocks = 20
	done := min(max(counts.Done(), 0), counts.Total)
	full := int(blocks * done / counts.Total)
	return fmt.Sprintf("`%s%s` **%d %%**", strings.Repeat("█", full), strings.Repeat("░", blocks-full), 100*done/counts.Total)
}

// table is a table whose first row of cells is its head; align says how many
// columns there are and where their text stands.
func table(align string, cells ...string) string {
	columns := strings.Count(align, "|") - 1
	var rows []string
	for from := 0; from < len(cells); from += columns {
		rows = append(rows, "| "+strings.Join(cells[from:from+columns], " | ")+" |")
		if from == 0 {
			rows = append(rows, align)
		}
	}
	return strings.Join(rows, "\n")
}

// phaseTable has a column for the bill once that is known.
func (b *batch) phaseTable() string {
	phases := b.state.Report.Phases
	if len(phases) == 0 {
		return ""
	}
	align, cells := "|---|---:|---:|", []string{"phase", "from " + phases[0].Start.UTC().Format("2006-01-02") + ", UTC", "took"}
	billed := b.phase == jobs.Ended && b.state.Report.GPUSeconds() > 0
	if billed {
		align, cells = align+"---:|---:|", append(cells, "GPU minutes", "cost")
	}
	for _, phase := range phases {
		took := ""
		if !phase.End.IsZero() {
			took = phase.End.Sub(phase.Start).Round(100 * time.Millisecond).String()
		}
		cells = append(cells, string(phase.Phase), phase.Start.UTC().Format("15:04:05"), took)
		if billed {
			cells = append(cells, fmt.Sprintf("%.1f", phase.GPUSeconds/60), phase.Cost.String())
		}
	}
	return table(align, cells...)
}

// endpointDetails are what is rented, how far it is, and at what price.
func (b *batch) endpointDetails() string {
	rental := b.news.Rental
	if rental.ID == "" {
		if b.guarded() && b.phase == jobs.Warming {
			return "**Endpoint** asked for: " + b.endpoint().String() + " from " + b.endpoint().Provider + ", workflow `" + b.guard() + "`"
		}
		return ""
	}
	text := fmt.Sprintf("**Endpoint** `%s` of %s, %s: %s, workflow `%s`", rental.ID, rental.Provider, b.news.Stage, rental.Shape, b.guard())
	if !rental.Price.IsZero() {
		text += fmt.Sprintf("\n\n**Price** %s for a replica for an hour, says %s", rental.Price, rental.PriceFrom)
	}
	return text
}

// costDetails are what the rentals came to that are over.
func costDetails(over jobs.Report, ended bool) string {
	switch {
	case len(over.Rentals) == 0 || over.GPUSeconds() == 0:
		return ""
	case ended:
		return fmt.Sprintf("**Cost** %s for %.1f GPU minutes", over.Cost, over.GPUSeconds()/60)
	}
	return fmt.Sprintf("**Cost** so far, of rentals that are over: %s for %.1f GPU minutes", over.Cost, over.GPUSeconds()/60)
}

// places are where the results and the report lie, or will.
func (b *batch) places() string {
	output := b.input.Spec.Output
	text := "**Results** `" + output + "`"
	if b.phase == jobs.Ended && b.outcome != jobs.Skipped {
		text += "\n\n**Report** `" + strings.TrimSuffix(output, "/") + "/report.html`, or `nightshift report " + b.input.Job + "`"
	}
	return text
}

// grouped writes a number with commas: 1,234,567.
func grouped(n int64) string {
	if n < 0 {
		return "-" + grouped(-n)
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
