package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

// Endpoints creates, awaits, tends and releases endpoints.
type Endpoints struct {
	Providers    Providers
	Prices       Prices
	Installation string        // goes into endpoints' names; see provider.Name
	Dial         Dial          // makes the client that asks an endpoint for its first answer
	Store        *bucket.Store // for journals
	Owners       *Owners       // says how far a job has come
	Metrics      *telemetry.Metrics

	creating turns // of providers whose endpoints bear no name
}

// Prices tells what the operator says one GPU costs for one hour. It may be nil.
type Prices func(provider, gpuType string) (jobs.Money, bool)

// CheckEndpoint compares a shape with what its provider offers, and says on
// which terms; of a server that exists and does not answer, on none. It only reads. Errors: EndpointRefused listing what is offered,
// Unauthorized, InvalidInput for a limit of the cost where no price is known.
func (e *Endpoints) CheckEndpoint(ctx context.Context, call workflows.CheckCall) (workflows.Terms, error) {
	if call.Endpoint.Mode == jobs.ProviderBatch {
		return workflows.Terms{}, sorted(e.checkBatches(ctx, call.Endpoint))
	}
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.Terms{}, sorted(err)
	}
	offer, err := offered(ctx, p, call.Endpoint)
	capabilities := p.Capabilities()
	switch {
	case capabilities.Exists && provider.KindOf(err) == provider.Unavailable:
		return workflows.Terms{}, nil // a server that may still be starting is what the warm-up limit is for
	case err != nil:
		return workflows.Terms{}, sorted(err)
	case capabilities.Exists:
		return workflows.Terms{}, nil
	}
	terms := workflows.Terms{GPUs: max(1, offer.GPU.Count), CanScale: capabilities.CanScale}
	terms.Price, terms.PriceFrom = e.price(call.Endpoint, offer)
	return terms, affordable(terms, call)
}

// checkBatches makes sure that the provider has a Batch API that takes the
// token. Which models it serves is not told anywhere: that is seen when the
// first batch is made.
func (e *Endpoints) checkBatches(ctx context.Context, endpoint jobs.Endpoint) error {
	api, err := NewOpenBatches(e.Providers)(workflows.BatchAddress(endpoint))
	if err != nil {
		return err
	}
	_, _, err = api.Find(ctx, "none")
	return err
}

// offered is what the endpoint comes to in its provider's catalogue, or, for
// one that is named by its id, what is known of it.
func offered(ctx context.Context, p provider.Provider, endpoint jobs.Endpoint) (provider.Offer, error) {
	if endpoint.ID == "" {
		return p.Check(ctx, shapeOf(endpoint))
	}
	state, err := p.Describe(ctx, endpoint.ID)
	if err != nil {
		return provider.Offer{}, err
	}
	if state.Phase == provider.Gone {
		return provider.Offer{}, final(jobs.EndpointRefused, fmt.Sprintf("%s has no endpoint with id %q", endpoint.Provider, endpoint.ID))
	}
	// It runs or ran, so that a catalogue which no longer has it matters only
	// for the price.
	if offer, err := p.Check(ctx, state.Shape); err == nil {
		return offer, nil
	}
	return provider.Offer{Model: state.Shape.Model, GPU: state.Shape.GPU}, nil
}

// price is what one replica costs for one hour, and who says so: the provider
// before the job, the job before the operator's price file.
func (e *Endpoints) price(endpoint jobs.Endpoint, offer provider.Offer) (jobs.Money, string) {
	if offer.Price.PerHour > 0 {
		return jobs.Money{Amount: offer.Price.PerHour, Currency: offer.Price.Currency}, "the provider"
	}
	perGPU, from := endpoint.PricePerGPUHour, "the job file"
	if perGPU.IsZero() && e.Prices != nil {
		perGPU, _ = e.Prices(endpoint.Provider, cmp.Or(endpoint.GPU.Type, offer.GPU.Type))
		from = "the price file"
	}
	if perGPU.IsZero() {
		return jobs.Money{}, ""
	}
	return jobs.Money{Amount: perGPU.Amount * float64(max(1, offer.GPU.Count)), Currency: perGPU.Currency}, from
}

// affordable refuses a limit of the cost that cannot be kept.
func affordable(terms workflows.Terms, call workflows.CheckCall) error {
	limit := call.Limits.Cost
	switch {
	case limit.IsZero():
		return nil
	case terms.Price.IsZero():
		return final(jobs.InvalidInput, fmt.Sprintf("limits.cost of %s cannot be kept: nobody tells what %s costs; set price_per_gpu_hour, "+
			"or give the worker a price file", limit, call.Endpoint))
	case terms.Price.Currency != limit.Currency:
		return final(jobs.InvalidInput, fmt.Sprintf("limits.cost is in %s, but the price of %s is in %s", limit.Currency, call.Endpoint, terms.Price.Currency))
	}
	return nil
}

// readyPoll is how often a warming endpoint is looked at. It bounds the time in
// which a ready endpoint is paid for and not used.
const readyPoll = 500 * time.Millisecond

// AwaitEndpoint polls until the provider says that the endpoint serves and it
// answers one tiny request. It only reads, so attempts may overlap. It
// heartbeats an EndpointBeat. Errors: EndpointLost, Unauthorized, WarmupLimit, and
// that it was cancelled; each has the meter as its details.
func (e *Endpoints) AwaitEndpoint(ctx context.Context, call workflows.AwaitCall) (workflows.EndpointReady, error) {
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.EndpointReady{}, sorted(err)
	}
	before, err := lastBeat(ctx)
	if err != nil {
		return workflows.EndpointReady{}, again(err)
	}
	warming := warmup{provider: p, call: call, dial: e.Dial, meter: before.Meter, answers: make(chan error, 1)}
	warming.rental = e.Metrics.LookAfter(call.Endpoint.Provider, call.Endpoint.Model, string(provider.Provisioning), billed(before.Meter))
	defer warming.rental.Close()
	ctx, done := untilStopped(ctx)
	defer done()
	for {
		answered, err := warming.step(ctx)
		switch {
		case err != nil:
			return workflows.EndpointReady{}, metered(sorted(err), warming.meter)
		case answered:
			return warming.ready(), nil
		}
	}
}

// ReleaseEndpoint gives back every endpoint of the job by the release policy,
// and returns once the provider's listing shows none that holds a GPU. Any number of
// attempts may overlap. It heartbeats an EndpointBeat. All its errors are
// retried: an endpoint that may be running is never given up. Of a job in mode
// provider-batch it cancels the batches under way instead, until the provider
// shows each of them ended.
func (e *Endpoints) ReleaseEndpoint(ctx context.Context, call workflows.ReleaseCall) (released workflows.EndpointReleased, err error) {
	rental := e.Metrics.LookAfter(call.Endpoint.Provider, call.Endpoint.Model, string(provider.Stopping), 0)
	defer rental.Close()
	whole := ctx // ends with the activity, and not with this attempt's watch over the worker
	defer func() { countRelease(whole, rental, released, err) }()
	before, err := lastBeat(ctx)
	if err != nil {
		return workflows.EndpointReleased{}, again(err)
	}
	ctx, done := untilStopped(ctx)
	defer done()
	if call.Endpoint.Mode == jobs.ProviderBatch {
		released, err := e.releaseBatches(ctx, call, before.StopAsked)
		return released, asAgain(err)
	}
	p, err := e.Providers.open(call.Endpoint)
	if err != nil {
		return workflows.EndpointReleased{}, again(err)
	}
	r := release{
		provider: p, policy: call.Endpoint.Release, id: call.ID, over: call.Over, asked: before.StopAsked,
		name: provider.Name{Installation: e.Installation, Job: call.Job},
	}
	if left, how, err := e.settleByJournal(ctx, &r, call); err != nil || left {
		return workflows.EndpointReleased{Confirmed: time.Now(), How: how}, asAgain(err)
	}
	released, err = r.run(ctx)
	return released, asAgain(err)
}

// countRelease counts an attempt at a release, unless it was cut short.
func countRelease(ctx context.Context, rental *telemetry.Rental, released workflows.EndpointReleased, err error) {
	switch {
	case ctx.Err() != nil || isWaiting(err):
	case err != nil || len(released.Open) > 0:
		rental.Released("unconfirmed")
	case released.Found == 0:
		rental.Released("absent")
	default:
		rental.Released("confirmed")
	}
}

// billed is what a meter shows by now, in replica seconds.
func billed(meter jobs.Meter) float64 { return meter.ReplicaSeconds(time.Time{}, meter.Until) }

// lastBeat is what an earlier attempt heartbeat last; zero if there was none.
func lastBeat(ctx context.Context) (workflows.EndpointBeat, error) {
	var beat workflows.EndpointBeat
	if !activity.HasHeartbeatDetails(ctx) {
		return beat, nil
	}
	if err := activity.GetHeartbeatDetails(ctx, &beat); err != nil {
		return beat, fmt.Errorf("read the last attempt's heartbeat: %w", err)
	}
	return beat, nil
}

// untilStopped returns a context that also ends when the worker is told to shut
// down; its cause is then an error that is retried at once, elsewhere.
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	stopping, stop := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			stop(waiting("the worker is shutting down; another goes on", 10*time.Millisecond))
		case <-stopping.Done():
		}
	}()
	return stopping, func() { stop(context.Canceled) }
}

// asAgain makes an error that is retried, whatever its kind, of any but nil.
func asAgain(err error) error {
	if err == nil {
		return nil
	}
	return again(err)
}

var errNoJournal = errors.New("there is no journal")
