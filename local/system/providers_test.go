package system

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// offered is an endpoint of each provider that the simulated cloud offers.
var offered = map[string]jobs.Endpoint{
	"nebius": {Model: "openai/gpt-oss-120b", Flavor: "base", GPU: jobs.GPU{Type: "gpu-h100-sxm", Count: 1}, Region: "eu-north1"},
	"together": {
		Model: "openai/gpt-oss-120b", Flavor: "gpt-oss-120b-h100", GPU: jobs.GPU{Type: "NVIDIA-H100", Count: 1}, Region: "us-central-8",
	},
	"together-v1": {Model: "openai/gpt-oss-120b", GPU: jobs.GPU{Type: "1x_nvidia_h100_80gb_sxm"}, Region: "us-central-4b"},
	"lyceum":      {Model: "openai/gpt-oss-120b", GPU: jobs.GPU{Type: "gpu.h100", Count: 1}},
}

// on replaces a spec's endpoint by the one that a provider offers.
func on(name string, spec jobs.Spec) jobs.Spec {
	spec.Endpoint = offered[name]
	spec.Endpoint.Provider = name
	return spec.WithDefaults()
}

// agrees checks that report and ledger name the same bill, within a second of
// each replica.
func (f *fixture) agrees(report jobs.Report) {
	f.Helper()
	if billed := f.Cloud.Ledger().Total.GPUSeconds; math.Abs(billed-report.GPUSeconds()) > 1 {
		f.Errorf("the report says %.2f GPU seconds, the ledger %.2f", report.GPUSeconds(), billed)
	}
}

func TestJob_OnEveryProvider(t *testing.T) {
	t.Parallel()
	for name := range offered {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{})
			spec := on(name, f.spec(300))
			report := f.completed(f.await(f.submit(spec)))
			if kinds := f.conserved(spec); kinds["ok"] != 300 {
				t.Errorf("result lines: %v", kinds)
			}
			f.agrees(report)
			f.endpoints(1)
			f.nothingRuns()
			if told := name != "nebius"; told != (report.Rentals[0].PriceFrom == "the provider") {
				t.Errorf("price %s, says %q", report.Rentals[0].Price, report.Rentals[0].PriceFrom)
			}
		})
	}
}

// TestJob_OnAServerThatExists: nothing is rented, and nothing is billed.
func TestJob_OnAServerThatExists(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Served: []string{"my-model"}}})
	spec := f.spec(200)
	spec.Endpoint = jobs.Endpoint{Provider: "static", Model: "my-model", BaseURL: f.CloudURL + "/v1"}
	spec = spec.WithDefaults()
	report := f.completed(f.await(f.submit(spec)))
	if kinds := f.conserved(spec); kinds["ok"] != 200 {
		t.Errorf("result lines: %v", kinds)
	}
	if report.GPUSeconds() != 0 || !report.Cost.IsZero() {
		t.Errorf("%g GPU seconds billed, %s", report.GPUSeconds(), report.Cost)
	}
	f.endpoints(0)
}

// TestJob_OnANamedEndpoint: it is left as it was found.
func TestJob_OnANamedEndpoint(t *testing.T) {
	t.Parallel()
	for _, found := range []provider.Phase{provider.Stopped, provider.Ready} {
		t.Run(string(found), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{})
			cloud, id := f.rented("nebius", found)
			spec := f.spec(200)
			spec.Endpoint = jobs.Endpoint{Provider: "nebius", ID: id}
			spec = spec.WithDefaults()
			f.completed(f.await(f.submit(spec)))
			if kinds := f.conserved(spec); kinds["ok"] != 200 {
				t.Errorf("result lines: %v", kinds)
			}
			if state, err := cloud.Describe(t.Context(), id); err != nil || state.Phase != found {
				t.Errorf("left %s, %v; found %s", state.Phase, err, found)
			}
			f.endpoints(1)
		})
	}
}

// rented is an endpoint that somebody else has, in the phase wanted.
func (f *fixture) rented(name string, phase provider.Phase) (provider.Provider, string) {
	f.Helper()
	cloud, err := registry.Open(name, f.Providers()[name])
	if err != nil {
		f.Fatal(err)
	}
	o := offered[name]
	state, err := cloud.Create(f.Context(), "somebody-elses", provider.Shape{
		Model: o.Model, Flavor: o.Flavor, GPU: provider.GPU{Type: o.GPU.Type, Count: o.GPU.Count}, Region: o.Region,
		Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		f.Fatal(err)
	}
	if phase == provider.Stopped {
		if err := cloud.Stop(f.Context(), state.ID); err != nil {
			f.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(f.Context(), patience)
	defer cancel()
	for state.Phase != phase {
		if state, err = cloud.Describe(ctx, state.ID); err != nil {
			f.Fatal(err)
		}
	}
	return cloud, state.ID
}

// TestJob_TriesTheNextEndpoint: the first one has no capacity.
func TestJob_TriesTheNextEndpoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: sim.OpCreate, Kind: sim.Capacity, Count: 1})
	spec := f.spec(200)
	first, second := on("nebius", spec).Endpoint, on("together", spec).Endpoint
	spec.Endpoint, spec.Endpoints = jobs.Endpoint{}, []jobs.Endpoint{first, second}
	spec = spec.WithDefaults()
	report := f.completed(f.await(f.submit(spec)))
	if kinds := f.conserved(spec); kinds["ok"] != 200 {
		t.Errorf("result lines: %v", kinds)
	}
	if len(report.Rentals) != 2 || report.Rentals[0].Provider != "nebius" || report.Rentals[0].Reason == "" || report.Rentals[1].Provider != "together" {
		t.Errorf("rentals: %+v", report.Rentals)
	}
	f.agrees(report)
	f.endpoints(1)
	f.nothingRuns()
}

// TestJob_TriesTheNextEndpointAfterTheWarmupLimit: the first one never answers. It
// is given back before the next one is rented, and billed.
func TestJob_TriesTheNextEndpointAfterTheWarmupLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.Status, Status: 503})
	spec := f.spec(200)
	first, second := on("nebius", spec).Endpoint, on("together", spec).Endpoint
	spec.Endpoint, spec.Endpoints = jobs.Endpoint{}, []jobs.Endpoint{first, second}
	spec = spec.WithDefaults()
	spec.Limits.Warmup = jobs.Duration(15 * time.Second)
	id := f.submit(spec)
	f.untilTrue("the first endpoint is given back", func() bool {
		entries := f.Cloud.Ledger().Entries
		return len(entries) > 0 && !entries[0].StopRequestedAt.IsZero()
	})
	f.Cloud.ClearFaults()
	report := f.completed(f.await(id))
	if kinds := f.conserved(spec); kinds["ok"] != 200 {
		t.Errorf("result lines: %v", kinds)
	}
	if len(report.Rentals) != 2 || report.Rentals[0].Provider != "nebius" || report.Rentals[1].Provider != "together" {
		t.Fatalf("rentals: %+v", report.Rentals)
	}
	if given := report.Rentals[0]; !strings.Contains(given.Reason, "limits.warmup") || given.Confirmed.IsZero() {
		t.Errorf("the first rental: %+v", given)
	}
	f.agrees(report)
	f.endpoints(2)
	f.nothingRuns()
}

// TestJob_CancelledBeforeTheFirstAnswer: the endpoint is ready, and billed, and
// does not answer yet when its job is cancelled. That is in the report.
func TestJob_CancelledBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.Status, Status: 503})
	id := f.submit(f.spec(50))
	f.untilTrue("seconds of the endpoint are billed", func() bool { return f.Cloud.Ledger().Total.GPUSeconds > 4 })
	if err := f.Client.CancelWorkflow(context.Background(), id, ""); err != nil {
		t.Fatal(err)
	}
	ended := f.await(id)
	if ended.report == nil || ended.report.Outcome != jobs.Cancelled {
		t.Fatalf("ended with %+v, %v", ended.report, ended.err)
	}
	f.agrees(*ended.report)
	f.endpoints(1)
	f.nothingRuns()
}

// TestJob_LimitOfTheBill: the rest of the lines is batch_expired, what was
// answered is kept, and the bill stays within what a flush takes.
func TestJob_LimitOfTheBill(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 500 * time.Millisecond, MaxStreams: 8}}})
	spec := f.spec(2000)
	spec.Limits.GPUMinutes = 0.1
	ended := f.await(f.submit(spec))
	report := ended.report
	if report == nil || report.Outcome != jobs.Expired || ended.err == nil {
		t.Fatalf("ended with %+v, %v", report, ended.err)
	}
	if kinds := f.conserved(spec); kinds["ok"] == 0 || kinds["batch_expired"] == 0 {
		t.Errorf("result lines: %v", kinds)
	}
	f.agrees(*report)
	if report.GPUSeconds() > 6+30 {
		t.Errorf("%.1f GPU seconds billed, the limit is 6", report.GPUSeconds())
	}
	f.nothingRuns()
}

// TestJob_LimitOfTheBillWithoutDataWorkers: nobody sends requests any more, and
// the endpoint is released at the limit all the same. Both limits come to six
// seconds.
func TestJob_LimitOfTheBillWithoutDataWorkers(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*jobs.Spec){
		"limits.gpu_minutes": func(s *jobs.Spec) { s.Limits.GPUMinutes = 0.1 },
		"limits.cost": func(s *jobs.Spec) {
			s.Limits.Cost, s.Endpoint.PricePerGPUHour = jobs.Money{Amount: 0.005, Currency: "USD"}, jobs.Money{Amount: 3, Currency: "USD"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{NoWorker: true, Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: time.Second, MaxStreams: 8}}})
			f.process("worker", "--role", "control")
			data := f.process("worker", "--role", "data")
			spec := f.spec(5000)
			limit(&spec)
			id := f.submit(spec)
			began := time.Now()
			ended := f.watch(id, func(s cli.Snapshot) bool { return s.Phase == jobs.Running && s.InFlight > 0 }, func() {
				kill(data)
				f.endpointEnded(id, began)
				f.nothingRuns()
				f.process("worker", "--role", "data") // so that the results are assembled
			})
			if kinds := f.conserved(spec); kinds["batch_expired"] == 0 {
				t.Errorf("result lines: %v", kinds)
			}
			if report := ended.report; report == nil || report.Outcome != jobs.Expired || !strings.Contains(report.Reason, name) {
				t.Fatalf("ended with %+v, %v", report, ended.err)
			}
			f.agrees(*ended.report)
			if seconds := ended.report.GPUSeconds(); seconds < 6 || seconds > 6+30 {
				t.Errorf("%.1f GPU seconds billed, the limit is 6", seconds)
			}
		})
	}
}

// TestJob_GivesReplicasBack: towards the end fewer replicas are enough.
func TestJob_GivesReplicasBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 10 * time.Second, MaxStreams: 8}}})
	spec := f.spec(4*8 + 8)
	spec.Endpoint.Replicas = jobs.Replicas{Min: 4, Max: 4}
	spec.Requests.Concurrency = 32
	report := f.completed(f.await(f.submit(spec)))
	if kinds := f.conserved(spec); kinds["ok"] != 40 {
		t.Errorf("result lines: %v", kinds)
	}
	rental := report.Rentals[0]
	all := 4 * rental.StopAsked.Sub(rental.Ready).Seconds()
	billed := rental.Meter.ReplicaSeconds(rental.Ready, rental.StopAsked)
	t.Logf("billed %.1f replica seconds of %.1f, saved %.0f %%", billed, all, 100*(1-billed/all))
	if rental.DrainFrom.IsZero() || billed > 0.8*all {
		t.Errorf("draining from %s, billed %.1f replica seconds of %.1f", rental.DrainFrom, billed, all)
	}
	if ledger := f.Cloud.Ledger(); math.Abs(ledger.Total.GPUSeconds-report.GPUSeconds()) > 4 || ledger.Data.RepeatedBodies > 0 {
		t.Errorf("the report says %.1f GPU seconds, the ledger %.1f; %d requests were sent twice",
			report.GPUSeconds(), ledger.Total.GPUSeconds, ledger.Data.RepeatedBodies)
	}
	f.nothingRuns()
}

// TestJob_ByTheProvidersOwnBatches: the same results without an endpoint.
func TestJob_ByTheProvidersOwnBatches(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lyceum", "nebius", "together"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{})
			spec := f.spec(300)
			spec.Endpoint = jobs.Endpoint{Provider: name, Model: "openai/gpt-oss-120b", Mode: jobs.ProviderBatch}
			spec = spec.WithDefaults()
			report := f.completed(f.await(f.submit(spec)))
			if kinds := f.conserved(spec); kinds["ok"] != 300 {
				t.Errorf("result lines: %v", kinds)
			}
			if report.Usage.OutputTokens == 0 || len(report.Rentals) != 0 {
				t.Errorf("report = %+v", report)
			}
			f.endpoints(0)
		})
	}
}

// TestJob_TerminatedEndsTheProvidersBatches: they would run for hours and be
// charged for.
func TestJob_TerminatedEndsTheProvidersBatches(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"lyceum", "nebius", "together"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{Cloud: sim.Options{Batches: sim.BatchOptions{Run: time.Hour}}})
			spec := f.spec(300)
			spec.Endpoint = jobs.Endpoint{Provider: name, Model: "openai/gpt-oss-120b", Mode: jobs.ProviderBatch}
			id := f.submit(spec.WithDefaults())
			f.untilTrue("a batch runs", func() bool { return len(f.Cloud.Ledger().RunningBatches()) > 0 })
			if err := f.Client.TerminateWorkflow(context.Background(), id, "", "by hand"); err != nil {
				t.Fatal(err)
			}
			since := time.Now()
			f.untilTrue("no batch runs", func() bool { return len(f.Cloud.Ledger().RunningBatches()) == 0 })
			if took := time.Since(since); took > time.Minute {
				t.Errorf("the batch was cancelled %s after the job was terminated", took)
			}
		})
	}
}

// untilTrue waits for a condition.
func (f *fixture) untilTrue(what string, condition func() bool) {
	f.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-deadline:
			f.Fatalf("it never came to it that %s", what)
		case <-ticker.C:
		}
	}
}

// TestJob_TwoOnOneNamedEndpoint: the second is refused while the first is at
// it, and can have it as soon as it has been returned.
func TestJob_TwoOnOneNamedEndpoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 200 * time.Millisecond, MaxStreams: 16}}})
	cloud, id := f.rented("nebius", provider.Stopped)
	spec := f.spec(300)
	spec.Endpoint = jobs.Endpoint{Provider: "nebius", ID: id}
	spec = spec.WithDefaults()
	second := spec
	second.Name, second.Output = "second", f.folder+"/second/"
	first := f.watch(f.submit(spec), halfway, func() {
		refused := f.await(f.submit(second))
		if refused.report == nil || refused.report.Outcome != jobs.Failed || !strings.Contains(refused.report.Reason, "is in use by job") {
			t.Errorf("the second ended with %+v, %v", refused.report, refused.err)
		}
	})
	f.completed(first)
	f.conserved(spec)
	f.completed(f.await(f.submit(second)))
	f.conserved(second)
	if state, err := cloud.Describe(t.Context(), id); err != nil || state.Phase != provider.Stopped {
		t.Errorf("left %s, %v", state.Phase, err)
	}
	f.endpoints(1)
}
