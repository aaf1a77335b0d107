package sim

import (
	"fmt"
	"net/http"
	"sync"
)

// The operations of version 1 of Together's control plane beyond those that
// every control plane has.
const (
	OpHardware = "hardware" // what can be rented, and at what price
	OpZones    = "zones"    // where
)

// togetherV1 is version 1 of the control plane of Together's dedicated
// endpoints: a listing without pages whose items lack display name, hardware
// and autoscaling, and a reading of single endpoints that has them. It does one
// operation at a time.
type togetherV1 struct {
	options *Options

	mu        sync.Mutex
	created   int
	endpoints []*togetherV1Endpoint
}

// togetherV1Endpoint is what Together keeps of an endpoint beside the core.
type togetherV1Endpoint struct {
	core  *endpoint
	shape togetherV1Shape // as asked for
}

func mountTogetherV1(c *Cloud) {
	v := &togetherV1{options: &c.options}
	p := &plane{
		name:    "together-v1",
		group:   AnyControl,
		refuse:  refuseTogetherV1,
		prepare: v.prepare,
		// What version 1 says when it has no GPUs is not documented.
		capacityStatus:  http.StatusServiceUnavailable,
		capacityMessage: "Insufficient capacity for the hardware requested",
	}
	c.handle(p, "GET /v1/hardware", OpHardware, v.hardware)
	c.handle(p, "GET /v1/clusters/availability-zones", OpZones, v.zones)
	c.handle(p, "GET /v1/endpoints", OpList, v.list)
	c.handle(p, "POST /v1/endpoints", OpCreate, v.create)
	c.handle(p, "GET /v1/endpoints/{id}", OpGet, v.read)
	c.handle(p, "PATCH /v1/endpoints/{id}", OpUpdate, v.update)
	c.handle(p, "DELETE /v1/endpoints/{id}", OpDelete, v.remove)
}

// list leaves out what the query does not ask for: unless it says "dedicated",
// or "mine", the serverless endpoints are listed too, of which there is one.
func (v *togetherV1) list(x *call) reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	query := x.r.URL.Query()
	kind, mine := query.Get("type"), query.Get("mine") == "true"
	switch kind {
	case "", "dedicated", "serverless":
	default:
		return invalidTogetherV1("type", "type must be dedicated or serverless")
	}
	data := []togetherV1Item{}
	if kind != "dedicated" && !mine {
		data = append(data, serverlessEndpoint)
	}
	for _, e := range v.endpoints {
		if s := e.core.look(x.shown); s.listed && kind != "serverless" {
			data = append(data, e.item(s))
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (v *togetherV1) read(x *call) reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.find(x)
	if e == nil {
		return togetherV1NotFound()
	}
	return jsonReply(http.StatusOK, e.body(e.core.look(x.shown)))
}

func (v *togetherV1) create(x *call) reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.options.TogetherV1Closed {
		return togetherV1Closed()
	}
	shape, refusal, refused := v.parseCreate(x.in.Bytes())
	if refused {
		return refusal
	}
	e := v.open(x, shape)
	s := e.core.look(x.shown)
	if s.state == Starting {
		s.state = "PENDING" // a word that is shown as it is
	}
	return jsonReply(http.StatusOK, e.body(s))
}

// open starts the endpoint, unless it is to begin stopped. Its id and name
// follow from the number of endpoints created before.
func (v *togetherV1) open(x *call, shape togetherV1Shape) *togetherV1Endpoint {
	v.created++
	n := mix(uint64(v.created))
	core := x.open(spec{
		provider: "together-v1",
		id:       fmt.Sprintf("endpoint-%08x-%04x-4%03x-8%03x-%012x", n>>32, n>>16&0xffff, n&0xfff, n>>12&0xfff, mix(n)>>16),
		name:     shape.name,
		key:      fmt.Sprintf("%s/%s-%08x", togetherV1Owner, shape.model, n>>32),
		gpus:     shape.hardware.Specs.GPUCount,
		bounds:   shape.replicas,

		pauseAfter: shape.inactive, sleeps: true,
	})
	e := &togetherV1Endpoint{core: core, shape: shape}
	v.endpoints = append(v.endpoints, e)
	if !shape.started {
		_ = core.stop() // fails only for what is being deleted
	}
	return e
}

// update changes what its body names and leaves the rest alone.
func (v *togetherV1) update(x *call) reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.find(x)
	if e == nil {
		return togetherV1NotFound()
	}
	if now := e.core.look("").state; now == Stopping || now == Stopped { // perhaps by itself
		e.shape.started = false
	}
	shape, refusal, refused := parseTogetherV1Update(x.in.Bytes(), e.shape)
	if refused {
		return refusal
	}
	starts := shape.started && !e.shape.started
	if starts && v.options.TogetherV1Closed {
		return togetherV1Closed()
	}
	e.core.rename(shape.name)
	e.core.scale(shape.replicas)
	e.core.idle(shape.inactive)
	var err error
	switch {
	case starts:
		err = e.core.start()
	case !shape.started && e.shape.started:
		err = e.core.stop()
	}
	if err != nil {
		return refuseTogetherV1(http.StatusConflict, err.Error())
	}
	e.shape = shape
	return jsonReply(http.StatusOK, e.body(e.core.look(x.shown)))
}

func (v *togetherV1) remove(x *call) reply {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.find(x)
	if e == nil {
		return togetherV1NotFound()
	}
	e.core.remove()
	return reply{status: http.StatusNoContent}
}

// prepare tells faults which endpoint is concerned.
func (v *togetherV1) prepare(x *call) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e := v.find(x); e != nil {
		x.endpoint = e.core
	}
}

// find returns the endpoint that the path names if Together lists it, or nil.
func (v *togetherV1) find(x *call) *togetherV1Endpoint {
	id := x.r.PathValue("id")
	for _, e := range v.endpoints {
		if e.core.id == id && e.core.look("").listed {
			return e
		}
	}
	return nil
}
