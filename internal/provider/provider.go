package provider

import (
	"context"
	"time"
)

// Provider drives one provider's control plane. Implementations are safe for
// concurrent use, keep no state between calls and never retry by themselves.
// Every error is, or wraps, an *[Error].
type Provider interface {
	// Capabilities says what the provider can do; it never changes.
	Capabilities() Capabilities

	// Catalogue returns what can be rented, as far as the provider tells; for
	// one model, or for all of them if model is empty. A provider without a
	// catalogue returns none and no error.
	Catalogue(ctx context.Context, model string) ([]Offer, error)

	// Check compares a shape with what the provider offers, before anything is
	// rented, and returns the offer that it comes to: with its price, if the
	// provider tells one, and the GPUs that one replica has. A shape that is not
	// offered, or that fits several offers between which it would have to guess,
	// is an *Error of kind Refused whose message lists what there is; a bad token
	// is Unauthorized.
	Check(ctx context.Context, shape Shape) (Offer, error)

	// List returns every endpoint of the account, ours or not, running or not,
	// but nothing that is Gone: what has ended and is only kept on record is
	// left out.
	List(ctx context.Context) ([]State, error)

	// Create asks for a new endpoint, once. It returns as soon as the provider
	// has accepted it, long before it is ready. An error of kind Ambiguous
	// means that the endpoint may exist: look for the name before trying again.
	// Any other error means that nothing was created that could cost anything.
	//
	// Where creating takes several calls, one that was cut short leaves an
	// endpoint whose phase is Partial, and Create with the same name and shape
	// goes on from there instead of making a second.
	Create(ctx context.Context, name string, shape Shape) (State, error)

	// Describe reads the endpoint's state from the provider. An endpoint that
	// does not exist (any more) is State{ID: id, Phase: Gone} and no error; so is
	// one created a moment ago that the provider's listing does not show yet.
	Describe(ctx context.Context, id string) (State, error)

	// Scale sets the bounds between which the provider scales replicas. It may
	// be repeated. For what is gone, [Absent] reports the error.
	Scale(ctx context.Context, id string, replicas Replicas) error

	// Start and Stop ask for the endpoint to serve again, or to give its GPUs
	// back and keep its configuration. They return when the request is
	// accepted; Describe says when it is done. Stop of what is gone is nil; for
	// Start of what is gone, [Absent] reports the error.
	Start(ctx context.Context, id string) error
	Stop(ctx context.Context, id string) error

	// Delete takes the next step towards the endpoint's end and returns nil
	// when that step is accepted, or nothing is left to do. The caller goes on
	// with Describe until it says Gone, and calls Delete again meanwhile.
	Delete(ctx context.Context, id string) error
}

// Capabilities is what differs between providers in kind, not in words.
type Capabilities struct {
	CanStop    bool          // Stop works: GPUs are released, the configuration is kept
	CanStart   bool          // there is a call to start what is stopped; whether it is granted, the service says when asked
	CanScale   bool          // Scale works on what runs
	CanFind    bool          // List carries the name given to Create
	IdleStop   time.Duration // the provider stops an idle endpoint by itself after this long, unasked; 0 = never
	SetsIdle   bool          // Create passes Shape.IdleStop on, and the provider documents that it heeds it
	MultiStep  bool          // Delete takes several calls
	NameLength int           // longest name that Create takes

	// Exists: the endpoint is there already, is not rented through this
	// provider and never deleted or stopped by it. List is always empty.
	Exists bool

	// AskItself: Describe may not be able to tell the phase, so that an Unknown
	// endpoint is asked for an answer instead of waited for.
	AskItself bool
}

// Offer is one thing that can be rented.
type Offer struct {
	Model       string
	Flavor      string   // which variant of the model, if there are several
	GPU         GPU      // of one replica
	Regions     []string // none: there is no choice, or it is not told
	MaxReplicas int      // 0 means not told
	Price       Price    // of one replica; zero means not told
	Stock       Stock    // whether there are GPUs left
	Detail      string   // the provider's own words: quantization, context length, headroom
}

// Price is what one replica costs for each hour in which it is ready.
type Price struct {
	PerHour  float64
	Currency string // "USD"
}

// Stock is what a provider says about how many of an offer are left.
type Stock string

// The stocks.
const (
	NotTold   Stock = ""
	Available Stock = "available"
	SoldOut   Stock = "sold out"
)

// Shape is what to rent. Which fields a provider needs, and their values, are
// the provider's own words.
type Shape struct {
	Model    string
	Flavor   string // which variant of the model the provider offers
	GPU      GPU
	Region   string
	Replicas Replicas

	// IdleStop asks the provider to stop the endpoint by itself after so long
	// without requests, where it can; 0 asks for nothing.
	IdleStop time.Duration

	// Options are further words of one provider, such as Lyceum's target_rps;
	// Check refuses those that it does not know. See [ReadOptions].
	Options map[string]string
}

// GPU is the accelerator of one replica.
type GPU struct {
	Type  string
	Count int
}

// Replicas bounds the provider's autoscaling.
type Replicas struct {
	Min, Max int
}

// Phase is where an endpoint is in its life, in the words the workflows use.
type Phase string

// The phases. Only Ready and Degraded serve requests; only Stopped and Gone
// are proof that no GPU is held.
const (
	Partial      Phase = "partial"      // creating it was cut short; Create with the same name goes on
	Provisioning Phase = "provisioning" // wait: it is on its way to Ready
	Ready        Phase = "ready"        // serves with the replicas asked for
	Degraded     Phase = "degraded"     // serves, with fewer than asked for
	Stalled      Phase = "stalled"      // does not serve, but may recover by itself
	Stopping     Phase = "stopping"     // on its way to Stopped or Gone; may still be billed
	Stopped      Phase = "stopped"      // holds no GPU, keeps its configuration
	Failed       Phase = "failed"       // will not recover; must be deleted
	Gone         Phase = "gone"         // the provider does not know it
	Unknown      Phase = "unknown"      // a word this version does not know: keep polling
)

// Usable reports whether requests can be answered in this phase.
func (p Phase) Usable() bool { return p == Ready || p == Degraded }

// Off reports whether the phase proves that no GPU is held.
func (p Phase) Off() bool { return p == Stopped || p == Gone }

// State is one reading of an endpoint.
type State struct {
	ID            string
	Name          string // as given to Create; empty where the provider does not keep it
	Phase         Phase
	Detail        string // the provider's own words for the phase, such as "starting/not_ready"
	ReadyReplicas int
	BaseURL       string // OpenAI-compatible base, to which /chat/completions is added; empty until known
	Model         string // what requests must carry as "model" to reach this endpoint
	Shape         Shape  // as far as the provider tells
	CreatedAt     time.Time
}
