package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/nightshift-run/nightshift/jobs"
)

// round is one turn of each of the two.
type round struct {
	bare bareResult
	ours result
}

// sending is nightshift's speed in sending alone, as a share of the bare loop's.
func (r round) sending() float64 { return r.bare.Seconds / r.ours.took(jobs.Running) }

// whole is that of all that a worker does for a job: planning, sending and
// collecting. Waiting for the endpoint and for its end are left out.
func (r round) whole() float64 { return r.bare.Seconds / r.busy() }

func (r round) busy() float64 {
	return r.ours.took(jobs.Planning, jobs.Running, jobs.Collecting)
}

// inFlight is the number of requests in flight of both.
const inFlight = 256

// throughputAt compares the two on an endpoint that answers in so many
// milliseconds.
func throughputAt(milliseconds int) func(*bench, context.Context) error {
	return func(b *bench, ctx context.Context) error {
		median, err := b.compare(ctx, milliseconds, inFlight)
		if err == nil {
			b.tellThroughput(median, milliseconds)
		}
		return err
	}
}

// compare returns the median of some rounds, by the ratio of the whole.
func (b *bench) compare(ctx context.Context, milliseconds, inFlight int) (round, error) {
	w, input, err := b.begin(ctx, answersIn(milliseconds), b.Lines, 16)
	if err != nil {
		return round{}, err
	}
	defer w.Stop()
	var rounds []round
	for range b.Rounds {
		var one round
		if one.bare, err = w.bare(ctx, input, inFlight); err != nil {
			return round{}, err
		}
		if one.ours, err = w.run(ctx, spec(input, inFlight, 1), b.Lines); err != nil {
			return round{}, err
		}
		rounds = append(rounds, one)
	}
	slices.SortFunc(rounds, func(x, y round) int { return int(1e6 * (x.whole() - y.whole())) })
	return rounds[len(rounds)/2], nil
}

func (b *bench) tellThroughput(r round, milliseconds int) {
	what := fmt.Sprintf("%s lines, %d in flight, answers in %d ms", grouped(b.Lines), inFlight, milliseconds)
	sending := Row{What: what + ": sending", Bare: rate(b.Lines, r.bare.Seconds), Ours: rate(b.Lines, r.ours.took(jobs.Running)), Ratio: r.sending()}
	whole := Row{What: "  with planning and collecting", Bare: sending.Bare, Ours: rate(b.Lines, r.busy()), Ratio: r.whole()}
	if milliseconds == 0 {
		whole.Target, whole.Missed = ">= 0.85 and 11,000 req/s", r.whole() < 0.85 || float64(b.Lines)/r.busy() < 11_000
	}
	b.add(sending)
	b.add(whole)
	if milliseconds > 0 {
		b.tellIdeal(r, float64(b.Lines)*float64(milliseconds)/1000/inFlight)
		return
	}
	b.add(Row{What: "  planning", Ours: seconds(r.ours.took(jobs.Planning))})
	b.add(Row{What: "  collecting", Ours: seconds(r.ours.took(jobs.Collecting))})
	b.add(Row{What: "  processor time a request, of loop or worker", Bare: micros(r.bare.CPU, b.Lines), Ours: micros(r.ours.worker.cpu, b.Lines), Ratio: r.ours.worker.cpu / r.bare.CPU})
	b.add(Row{What: "  processor time a request, of all servers", Bare: micros(r.bare.rest, b.Lines), Ours: micros(r.ours.rest, b.Lines), Ratio: r.ours.rest / r.bare.rest})
	b.add(Row{What: "  worker's memory", Ours: fmt.Sprintf("%.0f MB", r.ours.worker.megabytes), Target: "<= 100 MB", Missed: r.ours.worker.megabytes > 100})
}

// tellIdeal compares with the time in which requests that never wait for each
// other would be answered. Where the bare loop does not come near it, the machine
// is what is slow.
func (b *bench) tellIdeal(r round, ideal float64) {
	bare, ours := r.bare.Seconds/ideal, r.ours.took(jobs.Running)/ideal
	b.add(Row{
		What: "  sending, of the ideal " + seconds(ideal), Bare: fmt.Sprintf("%.3f", bare), Ours: fmt.Sprintf("%.3f", ours),
		Target: "<= 1.05, or the loop's", Missed: ours > max(1.05, bare),
	})
}

// crowd is many more in flight.
func (b *bench) crowd(ctx context.Context) error {
	const inFlight, milliseconds = 2000, 200
	r, err := b.compare(ctx, milliseconds, inFlight)
	if err != nil {
		return err
	}
	b.add(Row{
		What: fmt.Sprintf("%s lines, 2,000 in flight, answers in %d ms: sending", grouped(b.Lines), milliseconds),
		Bare: rate(b.Lines, r.bare.Seconds), Ours: rate(b.Lines, r.ours.took(jobs.Running)), Ratio: r.sending(),
	})
	b.add(Row{What: "  worker's memory", Ours: fmt.Sprintf("%.0f MB", r.ours.worker.megabytes)})
	return nil
}
