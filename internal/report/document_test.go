package report

import (
	"math"
	"time"

	"github.com/nightshift-run/nightshift/internal/stats"
	"github.com/nightshift-run/nightshift/jobs"
)

var started = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return started.Add(time.Duration(minutes * float64(time.Minute))) }

// night is a job that lost its first endpoint and went on with another, with
// replicas that come and go.
func night() Document {
	meter := func(changes ...float64) (m jobs.Meter) {
		for i := 0; i < len(changes); i += 2 {
			m.Steps = append(m.Steps, jobs.Step{At: at(changes[i]), Replicas: int(changes[i+1])})
			m.Until = at(changes[i])
		}
		return m
	}
	measured := nightMeasured()
	price := jobs.Money{Amount: 3, Currency: "USD"}
	shape := "openai/gpt-oss-120b on 1 x gpu-h100-sxm, 1 to 4 replicas, eu-north1"
	report := jobs.Report{
		Job: "20261124-020000-nightly-k3fa", Name: "nightly-summaries", Outcome: jobs.Completed,
		Input: jobs.URLs{"s3://prompts/2026-11-24/a.jsonl.gz", "s3://prompts/2026-11-24/b.jsonl.gz"}, Output: "s3://answers/2026-11-24/",
		Asked:  []string{"nebius: " + shape},
		Counts: jobs.Counts{Total: measured.Results, Completed: measured.Results - 250, Failed: 250},
		Usage:  jobs.Usage{InputTokens: 206 * measured.Results, OutputTokens: 90 * measured.Results},
		Files: []jobs.File{
			{URL: "s3://answers/2026-11-24/output.jsonl", Lines: 5_066, Bytes: 4_700_000, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
			{URL: "s3://answers/2026-11-24/errors.jsonl", Lines: 250, Bytes: 61_000, SHA256: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"},
		},
		Rentals: []jobs.Rental{
			{
				Provider: "nebius", ID: "endpoint-xame9mbbjzuV", Name: "nightshift-1", Shape: shape, Requested: at(0.3), Created: at(0.4), Ready: at(9),
				FirstSent: at(9), LastAnswer: at(31), StopAsked: at(31.5), Confirmed: at(32.2), ConfirmHow: "the provider's listing says stopped",
				Reason: "endpoint lost", GPUs: 1, Meter: meter(8.9, 1, 14, 2, 19, 4), Price: price, PriceFrom: "the job file",
			},
			{
				Provider: "nebius", ID: "endpoint-b2c41kd0qrtE", Name: "nightshift-2", Shape: shape, Requested: at(32.3), Created: at(32.4), Ready: at(40),
				FirstSent: at(40), LastAnswer: at(88), DrainFrom: at(85), StopAsked: at(88.01), Confirmed: at(88.8), ConfirmHow: "the provider's listing does not have it",
				Reason: "every request is answered", GPUs: 1, Meter: meter(39.9, 1, 44, 2, 48, 4, 85, 3, 86, 2, 87, 1), Price: price, PriceFrom: "the job file",
			},
		},
		Phases: []jobs.PhaseTime{
			{Phase: jobs.Planning, Start: at(0), End: at(0.3)}, {Phase: jobs.Warming, Start: at(0.3), End: at(9)}, {Phase: jobs.Running, Start: at(9), End: at(31.4)},
			{Phase: jobs.Releasing, Start: at(31.4), End: at(32.2)}, {Phase: jobs.Warming, Start: at(32.2), End: at(40)}, {Phase: jobs.Running, Start: at(40), End: at(88)},
			{Phase: jobs.Releasing, Start: at(88), End: at(88.9)}, {Phase: jobs.Collecting, Start: at(88.9), End: at(91)},
		},
		Started: started, Finished: at(91),
	}
	report.Settle()
	return Document{Report: report, Measured: measured}
}

// nightMeasured is a smooth night without chance in it.
func nightMeasured() *stats.Measurements {
	var m stats.Measurements
	m.Attempts = 24
	for i := range 6000 {
		share := float64(i) / 6000
		from := 9 + 79*share
		if from > 31 && from < 40 {
			continue
		}
		wave := math.Sin(float64(i)*1.7) + math.Sin(float64(i)*0.37)
		took := time.Duration(float64(4*time.Second) * math.Exp(0.45*wave))
		try := stats.Try{Began: at(from), Took: took, Final: true, InputTokens: 206, OutputTokens: int64(90 + 40*wave)}
		m.Add(try)
		if i%40 == 0 {
			m.Add(stats.Try{Began: at(from), Took: 20 * time.Millisecond, Kind: stats.Throttled})
		}
		if i%700 == 0 {
			m.Add(stats.Try{Began: at(from), Took: time.Second, Kind: stats.Failed})
		}
	}
	for i := range 250 {
		class := [...]string{"HTTP 400", "HTTP 400", "HTTP 400", "request_timeout", "HTTP 422"}[i%5]
		m.Errors.Add(class, func() string { return "article-" + string(rune('a'+i)) })
	}
	return &m
}
