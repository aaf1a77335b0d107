package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/internal/sweep"
)

// outage is a guard with a Temporal that can be switched off.
type outage struct {
	*outageGuard
	gone atomic.Bool
	at   []time.Duration // of each sweep, since the beginning
	log  strings.Builder
}

func newOutage(after time.Duration) *outage {
	o := &outage{}
	begun := time.Now()
	o.outageGuard = &outageGuard{
		reach: func(context.Context) error {
			if o.gone.Load() {
				return errors.New("connection refused")
			}
			return nil
		},
		sweep: func(context.Context) sweep.Report {
			o.at = append(o.at, time.Since(begun))
			return sweep.Report{}
		},
		after: after, logger: slog.New(slog.NewTextHandler(&o.log, nil)),
	}
	return o
}

// during runs the guard while the story is told, then ends it.
func (o *outage) during(t *testing.T, story func()) {
	ctx, end := context.WithCancel(t.Context())
	guarding := make(chan struct{})
	go func() {
		o.run(ctx)
		close(guarding)
	}()
	story()
	end()
	<-guarding
}

func TestOutageGuard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(5 * time.Minute)
		o.during(t, func() {
			time.Sleep(time.Hour)
			o.gone.Store(true)
			time.Sleep(4*time.Minute + 30*time.Second)
			o.gone.Store(false) // a short one, of which nothing must come
			time.Sleep(time.Minute)
			o.gone.Store(true)
			time.Sleep(8 * time.Minute)
			o.gone.Store(false)
			time.Sleep(time.Hour)
		})
		// Gone from 1:05:30 on and last seen up to a poll before; from 1:10:30 on
		// it is swept each minute, until it is back at 1:13:30.
		if len(o.at) < 3 || len(o.at) > 4 {
			t.Fatalf("sweeps at %v, want one each minute of the last three", o.at)
		}
		if first := o.at[0] - (time.Hour + 10*time.Minute + 30*time.Second); first < -outagePoll || first > outagePoll {
			t.Errorf("first sweep at %s", o.at[0])
		}
		for i := range o.at[1:] {
			if between := o.at[i+1] - o.at[i]; between != outageSweep {
				t.Errorf("%s between two sweeps", between)
			}
		}
		for _, want := range []string{"Temporal does not answer", "connection refused", "Temporal answers again"} {
			if strings.Count(o.log.String(), want) != 1 {
				t.Errorf("%q is not logged once:\n%s", want, o.log.String())
			}
		}
	})
}

// TestOutageGuard_HangingServer: one that takes calls and never answers is as
// gone as one that refuses them.
func TestOutageGuard_HangingServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutage(time.Minute)
		o.reach = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		o.during(t, func() { time.Sleep(3 * time.Minute) })
		if len(o.at) < 2 {
			t.Errorf("sweeps at %v", o.at)
		}
	})
}

// TestOutageGuard_ReleasesWhatIsPastItsDeadline, and nothing else, over HTTP.
func TestOutageGuard_ReleasesWhatIsPastItsDeadline(t *testing.T) {
	t.Parallel()
	cloud := sim.New(sim.Options{Drain: sim.None})
	server := httptest.NewServer(cloud)
	t.Cleanup(func() {
		cloud.Close()
		server.Close()
	})
	var log strings.Builder
	options := Options{
		ReleaseAfterOutage: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Providers: activities.Providers{"nebius": provider.Settings{Token: "any", BaseURL: server.URL}},
	}
	accounts, err := options.Providers.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []provider.Name{
		{Installation: "ours", Job: "late", Deadline: time.Now().Add(-time.Minute)},
		{Installation: "ours", Job: "within", Deadline: time.Now().Add(time.Minute)},
		{Installation: "theirs", Job: "late", Deadline: time.Now().Add(-time.Hour)},
	} {
		_, err := accounts[0].Provider.Create(t.Context(), name.String(), provider.Shape{
			Model: "openai/gpt-oss-120b", Flavor: "base", Region: "eu-north1",
			GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1}, Replicas: provider.Replicas{Min: 1, Max: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	known := &installationName{}
	guard := options.newOutageGuard(accounts, known)
	guard.reach = func(context.Context) error { return errors.New("connection refused") }
	guard.since = time.Now()
	guard.look(t.Context())
	if running := cloud.Ledger().Running(); len(running) != 3 {
		t.Errorf("released before the outage lasted long enough: %d running", len(running))
	}
	guard.since = time.Now().Add(-2 * time.Minute)
	guard.look(t.Context())
	if running := cloud.Ledger().Running(); len(running) != 3 || !strings.Contains(log.String(), "--installation") {
		t.Errorf("whose endpoints are ours is not known yet: %d running, log:\n%s", len(running), log.String())
	}
	known.set("ours")
	guard.swept = time.Time{}
	guard.look(t.Context())
	for _, entry := range cloud.Ledger().Running() {
		if strings.Contains(entry.Name, "ours-late") {
			t.Errorf("%s still runs", entry.Name)
		}
	}
	if running := cloud.Ledger().Running(); len(running) != 2 {
		t.Errorf("%d running, want the other two", len(running))
	}
	if !strings.Contains(log.String(), "released an endpoint past its deadline") {
		t.Errorf("log:\n%s", log.String())
	}
}
