package deaths

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// token is what the cloud accepts.
const token = "simulated"

// cloud is the simulated cloud behind a listener of its own. After each call it
// looks whether the moment for which the case waits has come.
type cloud struct {
	*sim.Cloud
	URL string

	setting setting
	tripped atomic.Bool
	reached chan struct{} // closed when the moment has come
	struck  chan struct{} // closed when the death has struck

	server  *http.Server
	serving sync.WaitGroup
}

func startCloud(s setting) (*cloud, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &cloud{
		Cloud: sim.New(sim.Options{
			Token: token, Served: []string{served}, WarmUp: s.warmUp, Drain: 200 * time.Millisecond,
			// 80 requests a second, so that running lasts for seconds.
			Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 8},
		}),
		URL: "http://" + listener.Addr().String(), setting: s,
		reached: make(chan struct{}), struck: make(chan struct{}),
	}
	c.arm(s.moment.fault)
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	c.serving.Go(func() { _ = c.server.Serve(listener) }) // returns when it is closed
	return c, nil
}

// ServeHTTP passes the call on. What it does after the call it does before the
// connection is cut, where a fault does that.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer c.look()
	c.Cloud.ServeHTTP(w, r)
}

func (c *cloud) look() {
	if c.tripped.Load() || !c.setting.moment.come(c.setting, c.Ledger()) || !c.tripped.CompareAndSwap(false, true) {
		return
	}
	close(c.reached)
	if c.setting.moment.hold {
		<-c.struck
	}
}

// afterDeath lets go of the call that was held.
func (c *cloud) afterDeath() {
	c.ClearFaults()
	c.arm(c.setting.moment.after)
	close(c.struck)
}

// arm injects the fault that the moment has for the case's provider, if any.
func (c *cloud) arm(fault func(account) (sim.Fault, bool)) {
	if fault == nil {
		return
	}
	if one, some := fault(c.setting.provider); some {
		c.Inject(one)
	}
}

// stop ends the cloud; the ledger can still be read.
func (c *cloud) stop() {
	if c.tripped.CompareAndSwap(false, true) {
		close(c.reached)
	}
	select {
	case <-c.struck:
	default:
		close(c.struck)
	}
	c.Close()
	c.server.Close()
	c.serving.Wait()
}
