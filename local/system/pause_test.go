package system

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

func TestJob_PausedAndResumed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		args      []string
		says      string
		endpoints int
		running   int // endpoints, while paused
	}{
		{"keeps the endpoint", nil, "IS BILLED", 1, 1},
		{"releases the endpoint", []string{"--release"}, "is given back", 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 300 * time.Millisecond, MaxStreams: 16}}})
			spec := f.spec(600)
			id := f.submit(spec)
			f.orderAt(id, halfway, append([]string{"pause"}, c.args...), c.says)

			f.reach(id, in(jobs.Paused))
			if got := len(f.Cloud.Ledger().Running()); got != c.running {
				t.Errorf("%d endpoints run in the pause, want %d", got, c.running)
			}
			asked := f.Cloud.Ledger().Data.Received
			out, _, _ := f.run("status", "--json", id)
			if !strings.Contains(out, `"phase": "paused"`) || strings.Contains(out, `"done": 0,`) {
				t.Errorf("status of the paused job: %s", out)
			}
			if now := f.Cloud.Ledger().Data.Received; now != asked {
				t.Errorf("%d requests were sent in the pause", now-asked)
			}
			f.orderAt(id, in(jobs.Paused), []string{"resume"}, "goes on")

			f.completed(f.await(id))
			if kinds := f.conserved(spec); kinds["ok"] != 600 {
				t.Errorf("result lines: %v", kinds)
			}
			if c.running == 1 && f.Cloud.Ledger().Data.RepeatedBodies != 0 {
				t.Errorf("%d requests were sent twice", f.Cloud.Ledger().Data.RepeatedBodies)
			}
			f.endpoints(c.endpoints)
			f.nothingRuns()
		})
	}
}

// orderAt waits for a moment of a job and runs a command on it, which must end
// well and say a text.
func (f *fixture) orderAt(id string, moment func(cli.Snapshot) bool, args []string, says string) {
	f.Helper()
	f.reach(id, moment)
	_, talk, code := f.run(append(args, id)...)
	if code != 0 || !strings.Contains(talk, says) {
		f.Fatalf("%v ended with %d: %s", args, code, talk)
	}
}

// reach waits for a moment of a job.
func (f *fixture) reach(id string, moment func(cli.Snapshot) bool) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	came := false
	_, _ = cli.Watch(ctx, f.Client, id, 20*time.Millisecond, func(s cli.Snapshot) {
		if came = came || moment(s); came {
			cancel()
		}
	})
	if !came {
		f.Fatalf("the moment that the test waited for never came to job %s", id)
	}
}
