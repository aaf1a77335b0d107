package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nightshift-run/nightshift/jobs"
)

// line is a whole snapshot in one line, for what is no terminal.
func (v *View) line(s Snapshot) string {
	parts := []string{fmt.Sprintf("%7s  %-10s", short(s.At.Sub(v.began)), phaseOf(s))}
	if s.Counts.Total > 0 {
		parts = append(parts, fmt.Sprintf("%s/%s lines", grouped(s.Counts.Done()), grouped(s.Counts.Total)))
	}
	parts = append(append(parts, v.pace(s)...), v.rest(s)...)
	if left := v.rate.left(s); left > 0 {
		parts = append(parts, short(left)+" left")
	}
	return strings.Join(parts, "  ")
}

// phaseOf is the phase, and whether a pause is on its way.
func phaseOf(s Snapshot) string {
	switch {
	case s.Phase == "":
		return "submitted"
	case s.Paused && s.Phase != jobs.Paused:
		return string(s.Phase) + ", pausing"
	}
	return string(s.Phase)
}

// counts are what stands behind the bar, the most important first.
func (v *View) counts(s Snapshot) []string {
	if s.Counts.Total == 0 {
		return nil
	}
	parts := []string{
		fmt.Sprintf("%d %%", 100*s.Counts.Done()/s.Counts.Total),
		fmt.Sprintf("%s/%s lines", grouped(s.Counts.Done()), grouped(s.Counts.Total)),
	}
	if left := v.rate.left(s); left > 0 {
		parts = append(parts, short(left)+" left")
	}
	return parts
}

// parts are what stands below the bar.
func (v *View) parts(s Snapshot) []string {
	parts := append([]string{short(s.At.Sub(v.began))}, v.pace(s)...)
	return append(parts, v.rest(s)...)
}

func (v *View) pace(s Snapshot) []string {
	if s.Phase != jobs.Running {
		return nil
	}
	inFlight := fmt.Sprintf("%d in flight", s.InFlight)
	if len(v.rate.window) < 2 {
		return []string{inFlight}
	}
	requests, tokens := v.rate.perSecond(rateWindow)
	return []string{fmt.Sprintf("%.0f req/s", requests), grouped(int64(tokens)) + " tok/s", inFlight}
}

func (v *View) rest(s Snapshot) (parts []string) {
	if s.Counts.Failed > 0 {
		parts = append(parts, grouped(s.Counts.Failed)+" failed")
	}
	if s.Endpoint != "" && s.Phase != jobs.Running {
		parts = append(parts, "endpoint "+s.Endpoint)
	}
	if gpu := s.billed(); gpu > 0 {
		parts = append(parts, "GPU "+short(gpu))
	}
	if cost := s.cost(); !cost.IsZero() {
		parts = append(parts, cost.String())
	}
	if s.Retried != "" {
		parts = append(parts, "retrying "+s.Retried)
	}
	if s.NoWorker {
		parts = append(parts, "no worker answers; start one with: nightshift worker")
	}
	return parts
}

// joinFitting joins parts as far as they fit into a width in columns.
func joinFitting(parts []string, width int) string {
	text := ""
	for _, part := range parts {
		longer := strings.TrimPrefix(text+"  "+part, "  ")
		if utf8.RuneCountInString(longer) > width {
			break
		}
		text = longer
	}
	return text
}

// wrapParts breaks a line between parts; one that is longer than a line is
// clipped.
func wrapParts(parts []string, width int) (lines []string) {
	line := ""
	for _, part := range parts {
		if runes := []rune(part); len(runes) > width && width > 1 {
			part = string(runes[:width-1]) + "…"
		}
		longer := strings.TrimPrefix(line+"  "+part, "  ")
		if line != "" && utf8.RuneCountInString(longer) > width {
			lines, longer = append(lines, line), part
		}
		line = longer
	}
	return append(lines, line)
}
