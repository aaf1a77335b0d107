package cli

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/golden"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// finished is the report of a job that ended well.
func finished() jobs.Report {
	at := func(seconds float64) time.Time {
		return time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
	}
	report := jobs.Report{
		Job: "20261121-020000-nightly-k3fq", Outcome: jobs.Completed, Started: at(0), Finished: at(1000),
		Counts: jobs.Counts{Total: 12_345, Completed: 12_340, Failed: 5},
		Usage:  jobs.Usage{InputTokens: 1_000_000, OutputTokens: 500_000},
		Files:  []jobs.File{{URL: "s3://b/out/output.jsonl", Lines: 12_340, Bytes: 9_876_543}},
		Rentals: []jobs.Rental{{
			Provider: "nebius", ID: "ep-1", Name: "nightshift-x-job-1", Shape: "m on 8 x gpu-h200-sxm",
			Requested: at(1), Created: at(2), Ready: at(602), StopAsked: at(962), Confirmed: at(965.5), GPUs: 8,
			ConfirmHow: "the provider's listing does not have it", Reason: "every request is answered",
			FirstSent: at(602.2), LastAnswer: at(961.5), Price: jobs.Money{Amount: 24, Currency: "USD"}, PriceFrom: "the job file",
			Meter: jobs.Meter{Steps: []jobs.Step{{At: at(601.5), Replicas: 1}}, Until: at(961)},
		}},
		Phases: []jobs.PhaseTime{
			{Phase: jobs.Planning, Start: at(0), End: at(1)}, {Phase: jobs.Warming, Start: at(1), End: at(602)},
			{Phase: jobs.Running, Start: at(602), End: at(962)}, {Phase: jobs.Releasing, Start: at(962), End: at(966)},
			{Phase: jobs.Collecting, Start: at(966), End: at(1000)},
		},
	}
	report.Settle()
	return report
}

func TestPrintReport(t *testing.T) {
	t.Parallel()
	unconfirmed := finished()
	unconfirmed.Outcome, unconfirmed.Reason, unconfirmed.Cost = jobs.Failed, "the provider has not confirmed", jobs.Money{}
	unconfirmed.Rentals[0].Confirmed = time.Time{}
	for name, report := range map[string]jobs.Report{"completed": finished(), "unconfirmed": unconfirmed} {
		var out strings.Builder
		PrintReport(&out, report)
		golden.Check(t, "testdata/"+name+".txt", []byte(out.String()))
	}
}

func TestView_PlainLines(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	view := NewView(&out)
	began := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	show := func(second int, phase jobs.Phase, done int64, change func(*Snapshot)) {
		s := Snapshot{At: began.Add(time.Duration(second) * time.Second), Progress: workflows.Progress{Phase: phase, Counts: jobs.Counts{Total: 1000, Completed: done}}}
		if change != nil {
			change(&s)
		}
		view.Show(s)
	}
	show(0, jobs.Planning, 0, func(s *Snapshot) { s.Counts.Total = 0 })
	show(1, jobs.Warming, 0, func(s *Snapshot) {
		s.Endpoint, s.Retried = "starting/not_ready", "AwaitEndpoint, try 3 after: HTTP 500"
	})
	show(2, jobs.Warming, 0, nil) // nothing new
	show(600, jobs.Running, 0, nil)
	show(604, jobs.Running, 400, nil) // too soon
	show(610, jobs.Running, 900, func(s *Snapshot) {
		s.InFlight, s.Tokens, s.Counts.Failed = 64, 100_000, 3
		s.Rental = jobs.Rental{GPUs: 8, Meter: jobs.Meter{Steps: []jobs.Step{{At: began.Add(600 * time.Second), Replicas: 1}}}}
	})
	show(611, jobs.Releasing, 997, func(s *Snapshot) { s.NoWorker = true })
	view.Close()
	want := []string{
		"  0.00s  planning  ",
		"   1.0s  warming     0/1,000 lines  endpoint starting/not_ready  retrying AwaitEndpoint, try 3 after: HTTP 500",
		" 10m00s  running     0/1,000 lines  ",
		" 10m10s  running     903/1,000 lines  ",
		"64 in flight  3 failed  GPU 1m20s",
		" 10m11s  releasing   997/1,000 lines  no worker answers; start one with: nightshift worker",
	}
	for _, line := range want {
		if !strings.Contains(out.String(), line) {
			t.Errorf("there is no %q in\n%s", line, out.String())
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 5 {
		t.Errorf("%d lines:\n%s", got, out.String())
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0.00s", 420 * time.Millisecond: "0.42s", 8100 * time.Millisecond: "8.1s", 192 * time.Second: "3m12s", 125 * time.Minute: "2h05m",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestMain_ExitCodes(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nobody listens there
	bad := t.TempDir() + "/bad.yaml"
	if err := os.WriteFile(bad, []byte("inpt: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{}, exitOK},
		{[]string{"--help"}, exitOK},
		{[]string{"sbmit"}, exitBadInput},
		{[]string{"run"}, exitBadInput},
		{[]string{"run", "--nope", "x"}, exitBadInput},
		{[]string{"run", "no-such-file.yaml"}, exitBadInput},
		{[]string{"run", bad}, exitBadInput},
		{[]string{"run", "--id", "Not An Id", bad}, exitBadInput},
		{[]string{"status"}, exitBadInput},
		{[]string{"worker", "--role", "boss"}, exitBadInput},
		{[]string{"status", "job"}, exitBadly}, // no server
	} {
		oneApp.Lock()
		got := Main(t.Context(), append([]string{"nightshift"}, c.args...))
		oneApp.Unlock()
		if got != c.want {
			t.Errorf("nightshift %s: exit code %d, want %d", strings.Join(c.args, " "), got, c.want)
		}
	}
}
