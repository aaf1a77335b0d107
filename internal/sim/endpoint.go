package sim

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// State is where an endpoint is in its life, in words that no provider owns;
// each control plane translates them into its own.
type State string

// The states. Only Stopped and Gone hold no GPU and never will by themselves.
const (
	Late     State = "late"     // a create that was answered as failed, and takes effect later
	Starting State = "starting" // the replicas first asked for have not all arrived; some may serve
	Running  State = "running"
	Updating State = "updating" // serves, while replicas that an update asked for arrive
	Stopping State = "stopping" // not billed any more; answers what is in flight, takes nothing new
	Stopped  State = "stopped"  // no GPU; configuration and key are kept
	Gone     State = "gone"     // deleted, or vanished by a fault
	Failed   State = "failed"   // lost its replicas by a fault, until it is started anew or deleted
)

// The reasons why an endpoint does not answer a request.
var (
	errWarming = errors.New("the endpoint has no ready replica yet")
	errOff     = errors.New("the endpoint does not serve")
	errBusy    = errors.New("the endpoint's queue is full")
	errLost    = errors.New("the endpoint's replicas went away")
	errDeleted = errors.New("the endpoint is being deleted")
)

// spec is what a control plane asks the core for.
type spec struct {
	provider string
	id       string
	name     string
	key      string // "model" of the requests that are for this endpoint
	gpus     int    // per replica
	bounds   Range  // of autoscaling, in replicas
	unready  string // error code, with 503, of requests that find no ready replica; "" is the 404 of an unknown model

	pauseAfter time.Duration // without requests, after which it stops by itself (pause.go); 0 is never
	sleeps     bool          // having stopped by itself it stays so; else the next request starts it
}

// endpoint is the core that every control plane shares: replicas that come and
// go in time, the requests they answer, and the bill. Each method first plays
// the timeline up to now (timeline.go), so that what it finds and what it
// bills is exact however late a timer fires.
type endpoint struct {
	spec // provider, id and key never change; the rest is guarded by mu

	options *Options
	log     *slog.Logger

	mu       sync.Mutex
	state    State
	deleting bool // what is Stopping will be Gone, not Stopped
	paused   bool // what is Stopping or Stopped did so by itself: the next request starts it
	waking   bool // what is Starting was started by a request: requests wait for it

	createdAt, readyAt         time.Time // readyAt: first replica of the latest start
	stopRequestedAt, stoppedAt time.Time // of the latest stop

	played   time.Time   // the timeline is right up to here
	armed    time.Time   // when timer fires; zero if it will not
	timer    *time.Timer // plays the timeline when nobody looks
	drained  time.Time   // end of Stopping
	shrinks  time.Time   // when one replica too many will be given back
	replicas []*replica  // in order of arrival, the leaving ones among them
	queue    []*stream   // waiting for a replica, first come first served

	bill bill
	use  use
}

// replica is one copy of the model on its own GPUs.
type replica struct {
	arrives time.Time
	ready   bool
	leaving bool // unbilled: takes no new streams and goes when the last is done
	batch   batch
}

// newEndpoint starts an endpoint at now, or lets it appear after late.
func newEndpoint(s spec, o *Options, late time.Duration) *endpoint {
	now := clock()
	e := &endpoint{spec: s, options: o, createdAt: now.Add(late), played: now, state: Late}
	e.log = o.Logger.With("provider", s.provider, "endpoint", s.id)
	e.mu.Lock()
	e.timer = time.AfterFunc(time.Hour, e.tick)
	if late <= 0 {
		e.begin(now)
	}
	e.unlock(now)
	return e
}

// begin orders the first replicas, after create or start.
func (e *endpoint) begin(t time.Time) {
	e.paused, e.waking = false, false
	e.readyAt, e.stopRequestedAt, e.stoppedAt, e.drained = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	e.enter(Starting)
	e.order(t, e.bounds.Min)
}

// start asks for an endpoint that is off, or failed, to serve again. It does
// nothing to one that is on.
func (e *endpoint) start() error {
	now := e.lock()
	defer e.unlock(now)
	switch {
	case e.deleting:
		return errDeleted
	case e.state == Stopping, e.state == Stopped, e.state == Failed:
		e.begin(now)
	}
	return nil
}

// stop gives the GPUs back and keeps the configuration.
func (e *endpoint) stop() error {
	now := e.lock()
	defer e.unlock(now)
	if e.deleting {
		return errDeleted
	}
	e.paused = false
	if e.state != Stopped {
		e.release(now)
	}
	return nil
}

// remove gives the GPUs back for good.
func (e *endpoint) remove() {
	now := e.lock()
	defer e.unlock(now)
	if e.state == Gone || e.deleting {
		return
	}
	e.deleting = true
	e.release(now)
}

func (e *endpoint) release(t time.Time) {
	if e.state == Stopping {
		return
	}
	if e.stopRequestedAt.IsZero() {
		e.stopRequestedAt = t
	}
	e.retire(len(e.replicas))
	e.refuseQueued(errOff)
	e.drained = t.Add(e.options.Drain)
	e.enter(Stopping)
}

// crash ends the endpoint's replicas at once, as a provider's outage does, and
// leaves it in the state given: Failed, which only befalls one that has
// replicas, or Gone.
func (e *endpoint) crash(left State) {
	now := e.lock()
	defer e.unlock(now)
	if !e.holds() && (left == Failed || e.state == Gone || e.state == Late) {
		return
	}
	e.drop(errLost)
	e.drained = time.Time{}
	if left == Gone && e.stoppedAt.IsZero() {
		e.stoppedAt = now
	}
	e.enter(left)
}

// close ends every request that waits. Nothing happens by itself any more, but
// whoever looks sees time go on.
func (e *endpoint) close() {
	e.lock()
	defer e.mu.Unlock()
	e.abort(errLost)
	e.timer.Stop()
	e.armed = time.Time{}
}

// holds reports whether the endpoint has replicas, or has ordered some.
func (e *endpoint) holds() bool {
	return e.state == Starting || e.state == Running || e.state == Updating
}

func (e *endpoint) enter(s State) {
	if e.state != s {
		e.log.Info("endpoint changed state", "from", e.state, "to", s)
		e.state = s
	}
}
