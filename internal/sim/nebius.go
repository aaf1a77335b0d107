package sim

import (
	"net/http"
	"sync"
	"time"
)

// CreateReply is the shape of Nebius's answer to create, on which its own
// documents disagree.
type CreateReply string

// The shapes of the answer to create.
const (
	Bare       CreateReply = "bare"        // the endpoint
	Wrapped    CreateReply = "wrapped"     // {"endpoint": the endpoint}
	EndpointID CreateReply = "endpoint_id" // the endpoint, its id under the name "endpoint_id"
)

// nebius is the control plane of Nebius Token Factory's dedicated endpoints:
// five operations, no reading of a single endpoint, no pages. It does one
// operation at a time.
type nebius struct {
	options *Options

	mu        sync.Mutex
	created   int
	endpoints []*nebiusEndpoint
}

// nebiusEndpoint is what Nebius keeps of an endpoint beside the core.
type nebiusEndpoint struct {
	core    *endpoint
	shape   nebiusShape // as asked for
	enabled bool        // as asked for; the core knows what is
}

func mountNebius(c *Cloud) {
	n := &nebius{options: &c.options}
	p := &plane{
		name:    "nebius",
		group:   AnyControl,
		refuse:  detail,
		prepare: n.prepare,
		// What Nebius says when it has no GPUs is not documented.
		capacityStatus:  http.StatusServiceUnavailable,
		capacityMessage: "Insufficient GPU capacity in the requested region",
	}
	c.handle(p, "GET /v0/dedicated_endpoints/templates", OpTemplates, n.templates)
	c.handle(p, "GET /v0/dedicated_endpoints", OpList, n.list)
	c.handle(p, "POST /v0/dedicated_endpoints", OpCreate, n.create)
	c.handle(p, "PATCH /v0/dedicated_endpoints/{id}", OpUpdate, n.update)
	c.handle(p, "DELETE /v0/dedicated_endpoints/{id}", OpDelete, n.remove)
}

func (n *nebius) templates(*call) reply {
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": n.options.Templates})
}

func (n *nebius) list(x *call) reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	data := []nebiusBody{}
	for _, e := range n.endpoints {
		if s := e.core.look(x.shown); s.listed {
			data = append(data, e.body(s))
		}
	}
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (n *nebius) create(x *call) reply {
	shape, refusal, refused := n.parseCreate(x.in.Bytes())
	if refused {
		return refusal
	}
	e := n.open(x, shape)
	body := e.body(e.core.look(x.shown))
	switch n.options.CreateReply {
	case Wrapped:
		return jsonReply(http.StatusCreated, map[string]any{"endpoint": body})
	case EndpointID:
		body.ID, body.EndpointID = "", body.ID
	}
	return jsonReply(http.StatusCreated, body)
}

// open starts the endpoint. Its id and key follow from the number of endpoints
// created before.
func (n *nebius) open(x *call, shape nebiusShape) *nebiusEndpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.created++
	suffix := token(n.created)
	core := x.open(spec{
		provider: "nebius",
		id:       "endpoint-" + suffix,
		name:     shape.name,
		key:      "dedicated/" + shape.model + "-" + suffix,
		gpus:     shape.gpuCount,
		bounds:   shape.replicas,
	})
	e := &nebiusEndpoint{core: core, shape: shape, enabled: true}
	n.endpoints = append(n.endpoints, e)
	return e
}

// update changes what its body names and leaves the rest alone.
func (n *nebius) update(x *call) reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.find(x)
	if e == nil {
		return nebiusNotFound()
	}
	shape, enabled, refusal, refused := n.parseUpdate(x.in.Bytes(), *e)
	if refused {
		return refusal
	}
	e.core.rename(shape.name)
	e.core.refit(shape.gpuCount)
	e.core.scale(shape.replicas)
	var err error
	switch {
	case enabled && !e.enabled:
		err = e.core.start()
	case !enabled && e.enabled:
		err = e.core.stop()
	}
	if err != nil {
		return detail(http.StatusConflict, err.Error())
	}
	e.shape, e.enabled = shape, enabled
	return jsonReply(http.StatusOK, e.body(e.core.look(x.shown)))
}

func (n *nebius) remove(x *call) reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.find(x)
	if e == nil {
		return nebiusNotFound()
	}
	e.core.remove()
	return reply{status: http.StatusNoContent}
}

// prepare tells faults which endpoint is concerned.
func (n *nebius) prepare(x *call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.find(x); e != nil {
		x.endpoint = e.core
	}
}

// find returns the endpoint that the path names if Nebius lists it, or nil.
func (n *nebius) find(x *call) *nebiusEndpoint {
	id := x.r.PathValue("id")
	for _, e := range n.endpoints {
		if e.core.id == id && e.core.look("").listed {
			return e
		}
	}
	return nil
}

func nebiusNotFound() reply { return detail(http.StatusNotFound, "Dedicated endpoint not found") }

// nebiusBody is an endpoint as Nebius shows it.
type nebiusBody struct {
	ID              string           `json:"id,omitempty"`
	EndpointID      string           `json:"endpoint_id,omitempty"`
	Name            string           `json:"name"`
	Description     string           `json:"description"`
	Enabled         bool             `json:"enabled"`
	RoutingKey      string           `json:"routing_key"`
	ModelName       string           `json:"model_name"`
	FlavorName      string           `json:"flavor_name"`
	Region          string           `json:"region"`
	GPUType         string           `json:"gpu_type"`
	GPUCount        int              `json:"gpu_count"`
	CustomWeightsID *string          `json:"custom_weights_id"`
	Scaling         nebiusScaling    `json:"scaling"`
	Deployment      nebiusDeployment `json:"deployment"`
	CreatedAt       time.Time        `json:"created_at"`
}

type nebiusScaling struct {
	MinReplicas int `json:"min_replicas"`
	MaxReplicas int `json:"max_replicas"`
}

type nebiusDeployment struct {
	ReadyReplicas int    `json:"ready_replicas"`
	Status        string `json:"status"`
	Readiness     string `json:"readiness"`
}

func (e *nebiusEndpoint) body(s snapshot) nebiusBody {
	return nebiusBody{
		ID: e.core.id, Name: e.shape.name, Description: e.shape.description, Enabled: e.enabled,
		RoutingKey: e.core.key, ModelName: e.shape.model, FlavorName: e.shape.flavor, Region: e.shape.region,
		GPUType: e.shape.gpuType, GPUCount: e.shape.gpuCount, CustomWeightsID: e.shape.weights,
		Scaling:    nebiusScaling{e.shape.replicas.Min, e.shape.replicas.Max},
		Deployment: deploymentOf(s),
		CreatedAt:  s.createdAt,
	}
}

// nebiusStatus has Nebius's words for the states of the core.
var nebiusStatus = map[State]string{
	Starting: "starting", Running: "running", Updating: "updating",
	Stopping: "stopping", Stopped: "stopped", Failed: "error",
}

// deploymentOf shows a state that Nebius has no word for as it is, in both
// fields.
func deploymentOf(s snapshot) nebiusDeployment {
	d := nebiusDeployment{ReadyReplicas: s.ready, Readiness: "not_ready"}
	status, known := nebiusStatus[s.state]
	switch {
	case !known:
		status, d.Readiness = string(s.state), string(s.state)
	case s.ready >= s.bounds.Min:
		d.Readiness = "ready"
	case s.ready > 0:
		d.Readiness = "partially_ready"
	}
	d.Status = status
	return d
}
