package sim

import (
	"fmt"
	"net/http"
	"sync"
)

// lyceumAPI is where both of Lyceum's planes begin.
const lyceumAPI = "/api/v2/external"

// lyceum is the control plane of Lyceum's dedicated inference. Its create is
// as documented. How to list and to stop is not; both follow the documented
// habits of the same service's virtual machines. Endpoints have no names, and
// those that ended stay listed for ever.
type lyceum struct {
	options *Options

	mu        sync.Mutex
	endpoints []*lyceumEndpoint
}

// lyceumEndpoint is what Lyceum keeps of an endpoint beside the core.
type lyceumEndpoint struct {
	core    *endpoint
	shape   lyceumShape
	stopped bool // by a call, which is for good
}

func mountLyceum(c *Cloud) {
	l := &lyceum{options: &c.options}
	p := &plane{
		name:    "lyceum",
		group:   AnyControl,
		refuse:  detail,
		prepare: l.prepare,
		// As users report it of the same service's virtual machines.
		capacityStatus:  http.StatusInternalServerError,
		capacityMessage: "The requested resources could not be provisioned",
	}
	c.handle(p, "POST "+lyceumAPI+"/inference/create", OpCreate, l.create)
	c.handle(p, "DELETE "+lyceumAPI+"/inference/{id}", OpDelete, l.stop)
	c.handle(p, "GET "+lyceumAPI+"/pricing", OpPricing, l.pricing)
	if !c.options.LyceumUnlisted {
		c.handle(p, "GET "+lyceumAPI+"/inference/list", OpList, l.list)
	}
	mountData(c, lyceumAPI)
}

func (l *lyceum) list(x *call) reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	deployments := []lyceumBody{}
	for _, e := range l.endpoints {
		if s := e.core.look(x.shown); s.listed || e.stopped {
			deployments = append(deployments, e.body(s))
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"deployments": deployments, "total": len(deployments)})
}

func (l *lyceum) create(x *call) reply {
	shape, refusal, refused := parseLyceumCreate(x.in.Bytes())
	if refused {
		return refusal
	}
	e := l.open(x, shape)
	return jsonReply(http.StatusOK, map[string]string{"deployment_id": e.core.id, "status": e.status(e.core.look(x.shown))})
}

// open starts the endpoint, whose id is also the "model" of its requests.
func (l *lyceum) open(x *call, shape lyceumShape) *lyceumEndpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := uuid(len(l.endpoints) + 1)
	core := x.open(spec{
		provider: "lyceum", id: id, key: id, gpus: 1, bounds: shape.replicas, pauseAfter: l.options.LyceumPause,
	})
	e := &lyceumEndpoint{core: core, shape: shape}
	l.endpoints = append(l.endpoints, e)
	return e
}

func (l *lyceum) stop(x *call) reply {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(x)
	if e == nil {
		return detail(http.StatusNotFound, "Deployment not found")
	}
	e.stopped = true
	e.core.remove()
	return jsonReply(http.StatusOK, map[string]string{"deployment_id": e.core.id, "status": e.status(e.core.look(x.shown))})
}

// prepare tells faults which endpoint is concerned.
func (l *lyceum) prepare(x *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.find(x); e != nil {
		x.endpoint = e.core
	}
}

// find returns the endpoint that the path names if Lyceum lists it, or nil.
func (l *lyceum) find(x *call) *lyceumEndpoint {
	id := x.r.PathValue("id")
	for _, e := range l.endpoints {
		if e.core.id == id && (e.stopped || e.core.look("").listed) {
			return e
		}
	}
	return nil
}

// pricing lists what there is to pay for. Users report this form for tokens; of
// dedicated replicas it is assumed.
func (*lyceum) pricing(*call) reply {
	prices := []map[string]any{{
		"meter_slug": "serverless_inference_prompt_tokens", "unit_price": "0.0000006",
		"applies_to": map[string]string{"deployment_id": "serverless:openai/gpt-oss-120b"},
	}}
	for _, profile := range lyceumProfiles {
		prices = append(prices, map[string]any{
			"meter_slug": "dedicated_inference_replica_hours", "unit": "hour", "currency": "USD",
			"unit_price": lyceumPrices[profile], "applies_to": map[string]string{"hardware_profile": profile},
		})
	}
	return jsonReply(http.StatusOK, map[string]any{"prices": prices})
}

// uuid returns an id that looks random and follows from n.
func uuid(n int) string {
	high, low := mix(uint64(n)), mix(mix(uint64(n)))
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", high>>32, high>>16&0xffff, high&0xfff, low>>52, low&0xffffffffffff)
}
