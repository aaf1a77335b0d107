package sweep

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/nebius"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// world is an account on a simulated cloud, in a bubble with a clock of its own.
type world struct {
	*testing.T
	provider.Provider
	cloud *sim.Cloud
	lives map[string]Life
	asked []string // jobs, in the order of asking
}

// inWorld runs a test in a new world.
func inWorld(t *testing.T, test func(*world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := sim.New(sim.Options{})
		t.Cleanup(cloud.Close)
		p, err := nebius.New(provider.Settings{Token: "any", BaseURL: "http://cloud.test", HTTPClient: serve(t, cloud)})
		if err != nil {
			t.Fatal(err)
		}
		test(&world{T: t, Provider: p, cloud: cloud, lives: map[string]Life{}})
	})
}

// serve serves the handler over pipes: sockets would keep a bubble's time from
// passing.
func serve(t *testing.T, handler http.Handler) *http.Client {
	listener := &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // always ends with ErrServerClosed
	transport := &http.Transport{DialContext: listener.dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		serving.Wait()
	})
	return &http.Client{Transport: transport}
}

type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	close       sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.connections <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.connections:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (*pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// rent creates an endpoint of that display name and returns its id.
func (w *world) rent(name string) string {
	w.Helper()
	state, err := w.Create(w.Context(), name, provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", Region: "eu-north1",
		GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		w.Fatal(err)
	}
	return state.ID
}

// rentFor rents for a job of an installation, with so much time to its deadline.
func (w *world) rentFor(installation, job string, left time.Duration) string {
	w.Helper()
	return w.rent(provider.Name{Installation: installation, Job: job, Deadline: time.Now().Add(left)}.String())
}

// sweep sweeps as installation "ours", asking the world whose job lives.
func (w *world) sweep(change func(*Options)) Report {
	w.Helper()
	o := Options{Installation: "ours", Life: func(_ context.Context, job string) (Life, error) {
		w.asked = append(w.asked, job)
		return w.lives[job], nil
	}}
	if change != nil {
		change(&o)
	}
	return Run(w.Context(), []Account{{"nebius", w.Provider}}, o)
}

// check compares the only verdict on an endpoint, and a part of its reason.
func (w *world) check(r Report, id string, want Verdict, reason string) {
	w.Helper()
	for _, f := range r.Findings {
		if f.State.ID == id {
			if f.Verdict != want || !strings.Contains(f.Reason, reason) {
				w.Errorf("%s is %s: %s; want %s: %s", f.State.Name, f.Verdict, f.Reason, want, reason)
			}
			return
		}
	}
	w.Errorf("endpoint %s was not found", id)
}

// running checks which endpoints the cloud still has.
func (w *world) running(want ...string) {
	w.Helper()
	var got []string
	for _, entry := range w.cloud.Ledger().Running() {
		got = append(got, entry.ID)
	}
	if !slices.Equal(got, want) {
		w.Errorf("running: %v, want %v", got, want)
	}
}

// openClosed opens a provider whose cloud refuses every call.
func openClosed(t *testing.T) (provider.Provider, error) {
	cloud := sim.New(sim.Options{})
	cloud.Close()
	return nebius.New(provider.Settings{Token: "any", BaseURL: "http://cloud.test", HTTPClient: serve(t, cloud)})
}
