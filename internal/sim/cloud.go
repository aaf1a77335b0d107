package sim

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Cloud is a simulated GPU cloud: an http.Handler that serves the control
// plane of each provider, the data plane, and /sim/. It is safe for concurrent
// use and has no listener of its own.
type Cloud struct {
	options Options
	log     *slog.Logger
	mux     http.ServeMux
	pool    sync.Pool // of *call

	operations map[string]bool // what a fault may strike
	faults     faults
	counts     counts
	traffic    traffic
	requests   atomic.Int64
	served     []*endpoint // Options.Served, which are not rented
	closed     chan struct{}
	close      sync.Once

	mu        sync.RWMutex
	endpoints []*endpoint          // in order of creation; kept when gone, for the ledger
	keys      map[string]*endpoint // by "model" of a request; nil for a name that leads nowhere yet

	batches []*batches // a provider each
}

// controlPlanes mount each provider's control plane. To add a provider, add it
// here.
var controlPlanes = []func(*Cloud){mountNebius, mountTogether, mountTogetherV1, mountLyceum}

// New returns a cloud without endpoints or faults.
func New(o Options) *Cloud {
	o = o.withDefaults()
	c := &Cloud{
		options:    o,
		log:        o.Logger,
		operations: map[string]bool{"": true, AnyControl: true, AnyData: true},
		faults:     faults{fired: map[Kind]int64{}},
		counts:     counts{byOperation: map[string]int64{}},
		traffic:    traffic{bodies: newBodySet(bodyLimit)},
		closed:     make(chan struct{}),
		keys:       map[string]*endpoint{},
	}
	c.pool.New = func() any { return new(call) }
	mountAdmin(c)
	mountData(c, "/v1")
	mountBatches(c)
	mountTogetherHost(c)
	for _, mount := range controlPlanes {
		mount(c)
	}
	c.serveOwn()
	return c
}

// ServeHTTP answers one request of any plane.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Close ends every request that waits and refuses later ones with 503. The
// ledger can still be read. It may be called more than once.
func (c *Cloud) Close() {
	c.close.Do(func() { close(c.closed) })
	for _, e := range slices.Concat(c.all(), c.served) {
		e.close()
	}
}

// Inject arms a fault. It panics if the fault is not valid, or names an
// operation that no plane has: a test that believes in a fault that never
// strikes proves nothing.
func (c *Cloud) Inject(f Fault) {
	if err := c.inject(f); err != nil {
		panic("sim: " + err.Error())
	}
}

// ClearFaults disarms every fault.
func (c *Cloud) ClearFaults() { c.faults.clear() }

// handle mounts an operation of a plane.
func (c *Cloud) handle(p *plane, pattern, op string, operate operation) {
	c.operations[op] = true
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		x := c.pool.Get().(*call)
		x.cloud, x.plane, x.op, x.w, x.r = c, p, op, w, r
		defer x.release()
		if p.group == AnyData {
			c.traffic.enter()
			defer func() { c.traffic.leave(x.status) }()
		} else {
			c.counts.add(op)
			defer func() {
				c.log.Info("control-plane call", "provider", p.name, "operation", op, "status", x.status)
			}()
		}
		select {
		case <-c.closed:
			p.refuse(http.StatusServiceUnavailable, "the simulated cloud is closed").send(x)
		default:
			x.run(operate)
		}
	})
}

// admits checks the bearer token.
func (c *Cloud) admits(r *http.Request) bool {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return bearer && token != "" && (c.options.Token == "" || token == c.options.Token)
}

// open starts an endpoint, or lets it appear as late as the call's fault says.
func (x *call) open(s spec) *endpoint {
	c := x.cloud
	e := newEndpoint(s, &c.options, x.late)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = append(c.endpoints, e)
	c.keys[s.key] = e
	return e
}

// all returns every endpoint that ever was, in order of creation.
func (c *Cloud) all() []*endpoint {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.endpoints)
}

// route says which endpoint requests with that "model" are for. A nil endpoint
// makes it a name that exists and leads nowhere.
func (c *Cloud) route(key string, e *endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[key] = e
}

// unroute makes a "model" unknown.
func (c *Cloud) unroute(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, key)
}

// byKey returns the endpoint that requests with that "model" are for, or nil,
// and whether the name is known at all.
func (c *Cloud) byKey(key []byte) (e *endpoint, known bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, known = c.keys[string(key)]
	return e, known
}

func (c *Cloud) requestID() string {
	return "sim-" + strconv.FormatInt(c.requests.Add(1), 10)
}

// counts counts control-plane calls.
type counts struct {
	mu          sync.Mutex
	byOperation map[string]int64
}

func (n *counts) add(op string) {
	n.mu.Lock()
	n.byOperation[op]++
	n.mu.Unlock()
}

func (n *counts) calls() map[string]int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.byOperation)
}

// token returns twelve characters that look random and follow from n, as a
// part of ids and keys.
func token(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	var text [12]byte
	for i := range text {
		text[i] = alphabet[mix(uint64(n)<<8+uint64(i))%uint64(len(alphabet))]
	}
	return string(text[:])
}
