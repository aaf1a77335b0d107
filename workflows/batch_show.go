package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/nightshift-run/nightshift/jobs"
)

// enter begins a phase: it ends the one before and shows the new one.
func (b *batch) enter(phase jobs.Phase) {
	if phase == b.phase { // a new run goes on where the one before left off
		b.show()
		return
	}
	now := workflow.Now(b.life)
	phases := b.state.Report.Phases
	if last := len(phases) - 1; last >= 0 && phases[last].End.IsZero() {
		phases[last].End = now
	}
	if phase != jobs.Ended {
		phases = append(phases, jobs.PhaseTime{Phase: phase, Start: now})
	}
	b.state.Report.Phases = phases
	b.phase = phase
	b.show()
}

// showProgress shows counts. Search attributes are set at most about fifty times
// in a job, since each time is an event of its history.
func (b *batch) showProgress() {
	b.tell()
	if done := b.state.Report.Counts.Done(); done-b.shown > b.state.Plan.Requests/50 {
		b.shown = done
		b.show()
	}
}

// show tells the Web UI how things stand.
func (b *batch) show() {
	counts, _ := b.counts()
	updates := []temporal.SearchAttributeUpdate{
		PhaseAttribute.ValueSet(b.label()),
		JobAttribute.ValueSet(b.input.Spec.Name),
		ModelAttribute.ValueSet(b.endpoint().Model),
		TotalAttribute.ValueSet(counts.Total),
		DoneAttribute.ValueSet(counts.Done()),
		FailedAttribute.ValueSet(counts.Failed),
	}
	if b.providerShown {
		updates = append(updates, ProviderAttribute.ValueSet(b.endpoint().Provider))
	}
	if id := b.news.Rental.ID; id != "" && !b.batches() {
		updates = append(updates, EndpointAttribute.ValueSet(id))
	}
	if err := workflow.UpsertTypedSearchAttributes(b.life, updates...); err != nil {
		workflow.GetLogger(b.life).Error("set search attributes", "error", err)
	}
	b.tell()
}

// label is the phase, or the outcome once the job has ended.
func (b *batch) label() string {
	if b.phase == jobs.Ended && b.outcome != "" {
		return string(b.outcome)
	}
	return string(b.phase)
}

func (b *batch) progress() Progress {
	report := b.state.Report
	counts, usage := b.counts()
	over := jobs.Report{Rentals: report.Rentals}
	over.Settle()
	return Progress{
		Job: b.input.Job, Phase: b.phase, Counts: counts, Usage: usage,
		Shards: b.state.Plan.Shards, Done: b.done, Open: b.open,
		Stage: b.news.Stage, Rental: b.news.Rental, Guard: b.guard(), Deadline: b.state.Deadline,
		Outcome: b.outcome, Reason: report.Reason,
		GPUSeconds: over.GPUSeconds(), Cost: over.Cost,
		Paused: b.held != nil, Finishing: b.finishing && !b.dropping() && b.outcome == "", Claimed: b.state.Claim != "",
		Phases: report.Phases,
	}
}
