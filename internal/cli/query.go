package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/spell"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// states are what list knows a job by, with what each is to Temporal. Those of
// an open job are its phases.
var states = []struct{ name, query string }{
	{"open", "ExecutionStatus = 'Running'"},
	{"ended", "ExecutionStatus != 'Running'"},
	openIn(jobs.Planning), openIn(jobs.Warming), openIn(jobs.Running), openIn(jobs.Paused), openIn(jobs.Releasing), openIn(jobs.Collecting),
	{string(jobs.Completed), "ExecutionStatus = 'Completed' AND (BatchPhase != 'skipped' OR BatchPhase IS NULL)"},
	{string(jobs.Skipped), "ExecutionStatus = 'Completed' AND BatchPhase = 'skipped'"},
	{string(jobs.Cancelled), "ExecutionStatus = 'Canceled'"},
	{string(jobs.Expired), "ExecutionStatus = 'Failed' AND BatchPhase = 'expired'"},
	{string(jobs.Failed), "ExecutionStatus = 'Failed' AND (BatchPhase != 'expired' OR BatchPhase IS NULL)"},
	{"terminated", "ExecutionStatus = 'Terminated'"},
	{"timed-out", "ExecutionStatus = 'TimedOut'"},
}

func openIn(phase jobs.Phase) struct{ name, query string } {
	return struct{ name, query string }{string(phase), "ExecutionStatus = 'Running' AND BatchPhase = '" + string(phase) + "'"}
}

func stateNames() []string {
	names := make([]string, len(states))
	for i, state := range states {
		names[i] = state.name
	}
	return names
}

func joinStates() string { return strings.Join(stateNames(), ", ") }

// queryOf turns list's flags into a query of Temporal's visibility. Runs that
// were continued as new are parts of one job.
func queryOf(c *cli.Context) (string, error) {
	terms := []string{"WorkflowType = '" + workflows.BatchWorkflow + "'", "ExecutionStatus != 'ContinuedAsNew'"}
	if name := c.String("state"); name != "" {
		query, err := stateQuery(name)
		if err != nil {
			return "", err
		}
		terms = append(terms, query)
	}
	if name := c.String("provider"); name != "" {
		if _, err := registry.VariablesOf(name); err != nil {
			return "", fmt.Errorf("--provider: %w", err)
		}
	}
	for _, equal := range []struct{ attribute, flag string }{
		{workflows.ProviderAttribute.GetName(), "provider"}, {workflows.ModelAttribute.GetName(), "model"}, {workflows.JobAttribute.GetName(), "name"},
	} {
		value := c.String(equal.flag)
		if strings.ContainsAny(value, `'"\`) {
			return "", fmt.Errorf("--%s %q: quotes and backslashes are in no such name", equal.flag, value)
		}
		if value != "" {
			terms = append(terms, equal.attribute+" = '"+value+"'")
		}
	}
	if text := c.String("since"); text != "" {
		since, err := parseSince(text, time.Now())
		if err != nil {
			return "", err
		}
		terms = append(terms, "StartTime >= '"+since.UTC().Format(time.RFC3339)+"'")
	}
	if c.Int("limit") < 1 {
		return "", fmt.Errorf("--limit must be at least 1")
	}
	return strings.Join(terms, " AND "), nil
}

func stateQuery(name string) (string, error) {
	for _, state := range states {
		if state.name == name {
			return "(" + state.query + ")", nil
		}
	}
	return "", fmt.Errorf("--state: unknown state %q; %s", name, spell.Suggest(name, stateNames()))
}

// parseSince reads a time ago, a date, or a moment.
func parseSince(text string, now time.Time) (time.Time, error) {
	if days, err := strconv.Atoi(strings.TrimSuffix(text, "d")); err == nil && strings.HasSuffix(text, "d") && days >= 0 {
		return now.AddDate(0, 0, -days), nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if date, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		return date, nil
	}
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment, nil
	}
	return time.Time{}, fmt.Errorf("--since %q: write it like 36h, 7d, 2026-11-21 or 2026-11-21T02:00:00Z", text)
}
