package worker

import (
	"log/slog"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/prices"
	"github.com/nightshift-run/nightshift/internal/telemetry"
)

// Role is a kind of work.
type Role string

// The roles. A process may have both. Control ends rentals, so it should run in
// two places; data moves the prompts and is what one adds more of.
const (
	Control Role = "control"
	Data    Role = "data"
)

// Options is what a worker needs.
type Options struct {
	Client    client.Client
	Namespace string
	Store     *bucket.Store
	Providers activities.Providers
	Roles     []Role // none means all
	TempDir   string // empty means the system's
	Logger    *slog.Logger

	// StopTimeout is how long a shard has, after Run's context ends, to finish
	// what is in flight and flush it. 0 means 20 s, which must be less than
	// what the process's supervisor grants.
	StopTimeout time.Duration

	// Slots is how many shards a data worker has open at once; 0 means
	// DefaultSlots. Pollers is how many requests for work it has open for each task
	// queue; 0 means DefaultPollers.
	Slots   int
	Pollers int

	// Deployment says which version this worker is of which Worker Deployment, for
	// Temporal's Worker Versioning; its zero value leaves that out.
	Deployment Deployment

	// SweepEvery is how often the namespace's control workers go through the
	// providers' listings for endpoints that nobody will release any more. 0
	// means DefaultSweepEvery; NoSweep leaves the schedule as it is.
	SweepEvery time.Duration
	NoSweep    bool

	// ReleaseAfterOutage is how long Temporal may be out of reach before a
	// control worker releases endpoints past their deadline by itself; 0 means
	// that it never does.
	ReleaseAfterOutage time.Duration

	// Prices are the operator's own, for providers that do not tell theirs.
	Prices prices.Prices

	// Installation is the installation's name, as far as it is known before
	// Temporal answers: a control worker that starts during an outage guards with
	// it. A name that is not the namespace's is an error. Without one, what
	// StateFile says counts, in which a worker writes the name down once it knows
	// it. Both may be empty.
	Installation string
	StateFile    string

	// Health, if there is one, is told what the process should be doing. It must
	// observe Client.
	Health *Health

	// Telemetry counts and traces what the process does; nil does neither. It must
	// observe Client.
	Telemetry *telemetry.Telemetry

	transport http.RoundTripper // to all endpoints
}

const (
	defaultStopTimeout = 20 * time.Second

	// DefaultSlots is how many shards one process has open. Requests in flight and
	// their memory are bounded by other means; what a shard that waits for its
	// job's turn holds is a record, and a byte for each of its requests. A job opens a
	// few in each worker (see workflows.Batch), so that this is room for others.
	DefaultSlots = 32

	// DefaultPollers is Temporal's own default.
	DefaultPollers = 2

	// controlSlots bounds the control activities of one process, which wait most
	// of the time. A serving endpoint holds one for as long as it serves, and a
	// release must never wait for one.
	controlSlots = 5000

	// batchSlots is how many of the providers' own batches one process waits for.
	// Each holds a slot for hours, a journal and little else.
	batchSlots = 200

	// maxConnections bounds connections to one endpoint.
	maxConnections = 4096

	// workflowCache is how many workflows a control worker keeps in memory between
	// their steps; others are read anew from their histories. An open job takes up
	// to some megabytes.
	workflowCache = 200

	// heartbeatThrottle lets every beat through. By default the SDK holds back
	// beats for 80 % of the timeout, and with them the news of a cancellation.
	heartbeatThrottle = time.Second
)

func (o Options) has(role Role) bool {
	for _, r := range o.Roles {
		if r == role {
			return true
		}
	}
	return len(o.Roles) == 0
}
