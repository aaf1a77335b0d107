package system

import (
	"io"
	"net"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/worker"
)

// gateway stands before a Temporal server, and can be taken away or frozen.
type gateway struct {
	t       *testing.T
	address string
	to      string
	frozen  sync.RWMutex // for writing while nothing gets through

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

// thawing is a reader whose bytes wait until the gateway is not frozen.
type thawing struct {
	io.Reader
	gateway *gateway
}

func (r thawing) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.gateway.frozen.RLock()
	defer r.gateway.frozen.RUnlock()
	return n, err
}

func newGateway(t *testing.T, to string) *gateway {
	t.Helper()
	g := &gateway{t: t, to: to, address: "127.0.0.1:0"}
	g.start()
	t.Cleanup(g.stop)
	return g
}

func (g *gateway) start() {
	g.t.Helper()
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener, g.address = listener, listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.forward(conn)
		}
	}()
}

func (g *gateway) forward(conn net.Conn) {
	server, err := net.Dial("tcp", g.to)
	if err != nil {
		conn.Close()
		return
	}
	g.mu.Lock()
	g.open = append(g.open, conn, server)
	g.mu.Unlock()
	for _, pair := range [][2]net.Conn{{conn, server}, {server, conn}} {
		go func() {
			_, _ = io.Copy(pair[0], thawing{pair[1], g})
			pair[0].Close()
		}()
	}
}

func (g *gateway) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener.Close()
	for _, conn := range g.open {
		conn.Close()
	}
	g.open = nil
}

// talk collects what a process says.
type talk struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *talk) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// says waits for words.
func (w *talk) says(t *testing.T, words string) {
	t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		w.mu.Lock()
		text := w.text.String()
		w.mu.Unlock()
		if strings.Contains(text, words) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("it never says %q:\n%s", words, text)
		case <-ticker.C:
		}
	}
}

// TestOutage_WorkerStartsWithoutTemporal: it does not give up, releases what is
// past its deadline and ours, and works as soon as Temporal is there.
func TestOutage_WorkerStartsWithoutTemporal(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	door, state := newGateway(t, f.Temporal.Address()), t.TempDir()
	start := func() (*exec.Cmd, *talk) {
		said := &talk{}
		command := f.command("worker", "--address", door.address, "--state-dir", state, "--release-after-outage", "1s")
		command.Stderr = said
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kill(command) })
		return command, said
	}
	first, said := start()
	said.says(t, "worker ready")
	kill(first)
	if files, err := filepath.Glob(filepath.Join(state, "installation-*")); err != nil || len(files) != 1 {
		t.Fatalf("remembered in %v, %v", files, err)
	}

	door.stop()
	ours, err := worker.Installation(t.Context(), f.Client, stack.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	late, within := f.named(ours, "late", -time.Minute), f.named(ours, "within", time.Hour)
	theirs := f.named("another", "late", -time.Minute)
	_, said = start()
	said.says(t, "keeps trying")
	said.says(t, "released an endpoint past its deadline")
	running := map[string]bool{}
	for _, entry := range f.Cloud.Ledger().Running() {
		running[entry.Name] = true
	}
	if running[late] || !running[within] || !running[theirs] {
		t.Errorf("running: %v", running)
	}

	door.start()
	said.says(t, "worker ready")
	spec := f.spec(50)
	f.completed(f.await(f.submit(spec)))
	f.conserved(spec)
}

// named creates an endpoint as a job would, and returns its name.
func (f *fixture) named(installation, job string, left time.Duration) string {
	f.Helper()
	cloud, err := registry.Open("nebius", f.Providers()["nebius"])
	if err != nil {
		f.Fatal(err)
	}
	name := provider.Name{Installation: installation, Job: job, Deadline: time.Now().Add(left)}.String()
	o := offered["nebius"]
	_, err = cloud.Create(f.Context(), name, provider.Shape{
		Model: o.Model, Flavor: o.Flavor, GPU: provider.GPU{Type: o.GPU.Type, Count: o.GPU.Count}, Region: o.Region,
		Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		f.Fatal(err)
	}
	return name
}

// TestOutage_TemporalAwayForAMoment: shards go on while their heartbeats fail,
// and none begins anew when Temporal is back within the heartbeat timeout.
func TestOutage_TemporalAwayForAMoment(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	door := newGateway(t, f.Temporal.Address())
	f.process("worker", "--address", door.address)
	spec := f.spec(2000)
	id := f.submit(spec)
	f.completed(f.watch(id, func(s cli.Snapshot) bool { return s.Counts.Done() > 200 }, func() {
		door.stop()
		f.answered(f.Cloud.Ledger().Total.Answered + 500)
		door.start()
	}))
	f.conserved(spec)
	if repeated := f.Cloud.Ledger().Data.RepeatedBodies; repeated > 0 {
		t.Errorf("%d requests were sent twice", repeated)
	}
	for object, err := range f.Store.List(t.Context(), spec.Output+".nightshift/"+id+"/parts/") {
		if err != nil {
			t.Fatal(err)
		}
		if name := path.Base(object.URL); !strings.HasPrefix(name, "1-") {
			t.Errorf("part %s is of a later attempt", object.URL)
		}
	}
	f.endpoints(1)
	f.nothingRuns()
}

// TestOutage_TemporalFreezes for some seconds, as a server does whose disk is
// slow: connections stay, and nothing is heard. The endpoint is looked after
// again afterwards, so that the limit of the bill holds.
func TestOutage_TemporalFreezes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, slowCloud)
	door := newGateway(t, f.Temporal.Address())
	f.process("worker", "--address", door.address)
	spec := f.spec(6000)
	spec.Limits.GPUMinutes = 0.3
	ended := f.watch(f.submit(spec), func(s cli.Snapshot) bool { return s.Counts.Done() > 200 }, func() {
		door.frozen.Lock()
		f.answered(f.Cloud.Ledger().Total.Answered + 800)
		door.frozen.Unlock()
	})
	report := ended.report
	if report == nil || report.Outcome != jobs.Expired || !strings.Contains(report.Reason, "limits.gpu_minutes") {
		t.Fatalf("ended with %+v, %v", report, ended.err)
	}
	if kinds := f.conserved(spec); kinds["ok"] < 1000 || kinds["batch_expired"] == 0 {
		t.Errorf("result lines: %v", kinds)
	}
	f.agrees(*report)
	f.endpoints(1)
	f.nothingRuns()
}

// answered waits until the endpoints have answered so many requests.
func (f *fixture) answered(want int64) {
	f.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for f.Cloud.Ledger().Total.Answered < want {
		select {
		case <-deadline:
			f.Fatalf("%d requests were answered, not %d", f.Cloud.Ledger().Total.Answered, want)
		case <-ticker.C:
		}
	}
}

// TestOutage_WorkerOfAnotherInstallation: a name that is wrong is told when
// Temporal answers, not when it matters.
func TestOutage_WorkerOfAnotherInstallation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	_, stderr, code := f.run("worker", "--installation", "another")
	if code != 1 || !strings.Contains(stderr, `namespace default is installation`) {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}
