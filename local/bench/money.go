package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// idle is for how long an endpoint is billed before its first request and after
// its last answer.
func (b *bench) idle(ctx context.Context) error {
	const lines = 2000
	w, input, err := b.begin(ctx, answersIn(20), lines, 16)
	if err != nil {
		return err
	}
	defer w.Stop()
	r, err := w.run(ctx, spec(input, inFlight, 1), lines)
	if err != nil {
		return err
	}
	for _, span := range []struct {
		what     string
		from, to time.Time
	}{
		{"paid for: from ready to the first request", r.entry.ReadyAt, r.entry.FirstRequestAt},
		{"paid for: from the last answer to delete", r.entry.LastAnswerAt, r.entry.StopRequestedAt},
	} {
		took := span.to.Sub(span.from).Seconds()
		b.add(Row{What: span.what, Ours: seconds(took), Target: "<= 1 s", Missed: took > 1})
	}
	return nil
}

// knee is how many streams a simulated replica answers at full speed.
const knee = 64

// billed is what the cloud bills, over the least that could have answered the
// same requests: every replica at its knee all the time. How many in flight that
// takes, nightshift has to find out. That, and the last answers that come alone,
// cost two or three answers' time in a job of any length: it is a hundred of them
// long here, where a night's is thousands.
func (b *bench) billed(ctx context.Context) error {
	for _, answers := range []struct {
		name    string
		tokens  sim.Range
		seconds float64 // that a replica takes for one, alone
		lasts   float64 // seconds that the job takes at best
	}{
		{"short answers", sim.Range{Min: 32, Max: 96}, 0.148, 40},
		{"long answers", sim.Range{Min: 400, Max: 1200}, 1.62, 160},
	} {
		for _, replicas := range []int{1, 4} {
			lines := int64(answers.lasts * float64(replicas*knee) / answers.seconds)
			if err := b.bill(ctx, answers.name, answers.tokens, replicas, lines); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) bill(ctx context.Context, name string, tokens sim.Range, replicas int, lines int64) error {
	w, input, err := b.begin(ctx, sim.Options{AnswerTokens: tokens, Model: sim.Model{
		TimeToFirstToken: 20 * time.Millisecond, TokenInterval: 2 * time.Millisecond, Knee: knee, MaxStreams: 4 * knee, QueueLimit: 16 * knee,
	}}, lines, tokens.Max)
	if err != nil {
		return err
	}
	defer w.Stop()
	r, err := w.run(ctx, spec(input, 0, replicas), lines)
	if err != nil {
		return err
	}
	ideal := r.entry.WorkSeconds / knee
	ratio := r.entry.ReplicaSeconds / ideal
	b.add(Row{
		What: fmt.Sprintf("billed, of the ideal %.0f replica seconds: %d replicas, %s", ideal, replicas, name),
		Ours: fmt.Sprintf("%.3f", ratio), Target: "<= 1.05", Missed: ratio > 1.05,
	})
	return nil
}
