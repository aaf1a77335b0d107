package system

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/local/stack"
)

// TestShare_TemporalKilled: jobs that share an endpoint go on with it when the
// Temporal server is killed and started again, and lose no line.
func TestShare_TemporalKilled(t *testing.T) {
	t.Parallel()
	options := slowCloud
	options.Cloud.WarmUp = 3 * time.Second
	f := newFixture(t, options)
	temporal, address := f.killableTemporal()
	f.process("worker", "--address", address)
	sharers := f.share(time.Second, 800, 1500)
	f.answered(300)
	if err := temporal.Kill(); err != nil {
		t.Fatal(err)
	}
	f.answered(f.Cloud.Ledger().Total.Answered + 300) // shards go on without it
	if err := temporal.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, ended := range f.awaitAll(sharers) {
		report := f.completed(ended)
		if kinds := f.conserved(sharers[i].spec); kinds["ok"] != []int{800, 1500}[i] {
			t.Errorf("result lines of job %d: %v", i, kinds)
		}
		if len(report.Rentals) != 1 || report.Rentals[0].Shared == nil || report.Rentals[0].Shared.Most != 2 {
			t.Errorf("rentals of job %d: %+v", i, report.Rentals)
		}
	}
	f.untilReleased()
	f.endpoints(1)
}

// killableTemporal starts a Temporal server as a process of its own, and has the
// fixture use it in place of the one in this process.
func (f *fixture) killableTemporal() (process *parts.Process, address string) {
	f.Helper()
	address, err := parts.FreePort()
	if err != nil {
		f.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	process = &parts.Process{
		Name: "temporal", Program: program, Args: []string{parts.TemporalCommand, filepath.Join(dir, "temporal.db"), address},
		Env: parts.Environ(dir), Logs: dir, Ready: true,
	}
	if err := process.Start(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = process.Kill() })
	connected, err := client.DialContext(f.Context(), client.Options{HostPort: address, Namespace: stack.Namespace})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(connected.Close)
	f.Client = connected
	return process, address
}
