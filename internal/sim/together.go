package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// The further operations of Together's control plane. OpCreate, OpUpdate and
// OpDeleteDeployment concern a deployment, which is what is billed; OpList and
// OpDelete concern the endpoint around it, which costs nothing.
const (
	OpWhoami           = "whoami"
	OpInstanceTypes    = "instance-types"
	OpGet              = "get"
	OpShell            = "create-shell"
	OpSplit            = "split"
	OpDeployments      = "list-deployments"
	OpDeployment       = "get-deployment"
	OpDeleteDeployment = "delete-deployment"
)

const (
	togetherProject = "proj_sim"
	togetherSlug    = "sim"
)

// together is the control plane of Together AI's dedicated model inference,
// version 2: an endpoint is a name with a traffic split, a deployment under it
// has the replicas, and the data plane answers only for what is in the split.
// It does one operation at a time.
type together struct {
	cloud *Cloud

	mu        sync.Mutex
	made      int // endpoints, deployments and versions, which ids and etags follow from
	endpoints []*togetherEndpoint
}

// togetherEndpoint is a shell: it costs nothing and is not in the ledger.
type togetherEndpoint struct {
	body        togetherEndpointBody // but for its deployments
	deployments []*togetherDeployment
	deleted     bool
}

func mountTogether(c *Cloud) {
	t := &together{cloud: c}
	p := &plane{
		name:            "together",
		group:           AnyControl,
		refuse:          refuseTogether,
		prepare:         t.prepare,
		capacityStatus:  http.StatusTooManyRequests,
		capacityMessage: "GPU quota exceeded",
	}
	const endpoints = "/v2/projects/" + togetherProject + "/endpoints"
	const deployments = endpoints + "/{endpoint}/deployments"
	for _, o := range []struct {
		pattern string
		op      string
		operate func(*call) reply
	}{
		{"GET /v1/whoami", OpWhoami, t.whoami},
		{"GET /v2/supported-models", OpTemplates, t.supportedModels},
		{"GET /v2/public/inference-instance-types", OpInstanceTypes, t.instanceTypes},
		{"GET " + endpoints, OpList, t.list},
		{"POST " + endpoints, OpShell, t.createEndpoint},
		{"GET " + endpoints + "/{endpoint}", OpGet, t.onEndpoint(t.get)},
		{"PATCH " + endpoints + "/{endpoint}", OpSplit, t.onEndpoint(t.updateEndpoint)},
		{"DELETE " + endpoints + "/{endpoint}", OpDelete, t.onEndpoint(t.deleteEndpoint)},
		{"GET " + deployments, OpDeployments, t.onEndpoint(t.listDeployments)},
		{"POST " + deployments, OpCreate, t.onEndpoint(t.createDeployment)},
		{"GET " + deployments + "/{deployment}", OpDeployment, t.onDeployment(t.getDeployment)},
		{"PATCH " + deployments + "/{deployment}", OpUpdate, t.onDeployment(t.updateDeployment)},
		{"DELETE " + deployments + "/{deployment}", OpDeleteDeployment, t.onDeployment(t.deleteDeployment)},
	} {
		c.handle(p, o.pattern, o.op, func(x *call) reply {
			t.mu.Lock()
			defer t.mu.Unlock()
			return o.operate(x)
		})
	}
}

func (t *together) whoami(*call) reply {
	return jsonReply(http.StatusOK, map[string]string{
		"api_key_id": "key_sim", "organization_id": "org_sim", "organization_name": "Simulated",
		"project_id": togetherProject, "project_name": "Simulated", "project_slug": togetherSlug,
	})
}

// onEndpoint finds the endpoint that the path names, or answers 404.
func (t *together) onEndpoint(operate func(*call, *togetherEndpoint) reply) func(*call) reply {
	return func(x *call) reply {
		if e := t.find(x); e != nil {
			return operate(x, e)
		}
		return refuseTogether(http.StatusNotFound, "endpoint not found")
	}
}

// prepare tells faults which endpoint is concerned: its first deployment, if it
// has any.
func (t *together) prepare(x *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.find(x); e != nil && len(e.deployments) > 0 {
		x.endpoint = e.deployments[0].core
	}
}

func (t *together) find(x *call) *togetherEndpoint {
	id := x.r.PathValue("endpoint")
	for _, e := range t.endpoints {
		if e.body.ID == id && e.listed() {
			return e
		}
	}
	return nil
}

// listed reports whether Together knows the endpoint. A fault that has a
// deployment vanish takes the endpoint with it.
func (e *togetherEndpoint) listed() bool {
	return !e.deleted && !slices.ContainsFunc(e.deployments, func(d *togetherDeployment) bool {
		return d.core.look("").state == Gone
	})
}

func (t *together) list(x *call) reply {
	var bodies []togetherEndpointBody
	matches, refusal := togetherFilter(x)
	if matches == nil {
		return refusal
	}
	for _, e := range t.endpoints {
		if e.listed() && matches(e.body.Name) {
			bodies = append(bodies, e.show(x))
		}
	}
	return togetherPage(x, bodies, func(b togetherEndpointBody) string { return b.ID })
}

func (t *together) get(x *call, e *togetherEndpoint) reply {
	return jsonReply(http.StatusOK, e.show(x))
}

func (t *together) createEndpoint(x *call) reply {
	var asked struct {
		Name       string `json:"name"`
		Visibility string `json:"visibility"`
	}
	if refusal, refused := readTogether(x, &asked); refused {
		return refusal
	}
	if asked.Visibility == "" {
		asked.Visibility = togetherPrivate
	}
	name := strings.TrimPrefix(asked.Name, togetherSlug+"/")
	switch {
	case !togetherNames.MatchString(name):
		return refuseTogether(http.StatusBadRequest, "name must consist of letters, digits, '.', '_' and '-'")
	case asked.Visibility != togetherPrivate && asked.Visibility != togetherInternal:
		return refuseTogether(http.StatusBadRequest, "unknown visibility "+asked.Visibility)
	case slices.ContainsFunc(t.endpoints, func(e *togetherEndpoint) bool {
		return e.listed() && e.body.Name == togetherSlug+"/"+name
	}):
		return refuseTogether(http.StatusConflict, "Already Exists")
	}
	now := clock()
	e := &togetherEndpoint{body: togetherEndpointBody{
		ID: "ep_" + t.next(), ProjectID: togetherProject, Name: togetherSlug + "/" + name, ETag: t.next(),
		EndpointType: "ENDPOINT_TYPE_DEDICATED", Visibility: asked.Visibility,
		TrafficSplit: []togetherWeight{}, CreatedAt: now, UpdatedAt: now,
	}}
	t.endpoints = append(t.endpoints, e)
	t.cloud.route(e.body.Name, nil)
	return jsonReply(http.StatusOK, e.show(x))
}

// updateEndpoint sets the traffic split. Without an update mask only what the
// body populates counts, and an empty list populates nothing.
func (t *together) updateEndpoint(x *call, e *togetherEndpoint) reply {
	var asked struct {
		TrafficSplit []togetherWeight `json:"trafficSplit"`
		ETag         string           `json:"etag"`
	}
	if refusal, refused := readTogether(x, &asked); refused {
		return refusal
	}
	mask := x.r.URL.Query().Get("updateMask")
	switch {
	case asked.ETag != "" && asked.ETag != e.body.ETag:
		return refuseTogether(http.StatusConflict, "stale etag")
	case mask == "" && len(asked.TrafficSplit) == 0:
		return refuseTogether(http.StatusBadRequest, "no fields to update")
	case mask != "" && mask != "trafficSplit":
		return refuseTogether(http.StatusBadRequest, fmt.Sprintf("update mask: unknown field %q", mask))
	}
	for _, w := range asked.TrafficSplit {
		if e.deployment(w.DeploymentID) == nil || w.Weight < 0 {
			return refuseTogether(http.StatusBadRequest, fmt.Sprintf("trafficSplit: deployment %q cannot have weight %v", w.DeploymentID, w.Weight))
		}
	}
	e.body.TrafficSplit = append([]togetherWeight{}, asked.TrafficSplit...)
	e.body.ETag, e.body.UpdatedAt = t.next(), clock()
	t.routeTraffic(e)
	return jsonReply(http.StatusOK, e.show(x))
}

// routeTraffic has the data plane follow the split. Requests go to the first
// deployment that has a weight: nobody here deploys two.
func (t *together) routeTraffic(e *togetherEndpoint) {
	var to *endpoint
	for _, w := range slices.Backward(e.body.TrafficSplit) {
		if d := e.deployment(w.DeploymentID); d != nil && w.Weight > 0 {
			to = d.core
		}
	}
	t.cloud.route(e.body.Name, to)
}

func (t *together) deleteEndpoint(x *call, e *togetherEndpoint) reply {
	etag := x.r.URL.Query().Get("etag")
	switch {
	case etag != "" && etag != e.body.ETag:
		return refuseTogether(http.StatusConflict, "stale etag")
	case len(e.known()) > 0:
		return refuseTogether(http.StatusBadRequest, "endpoint still has deployments")
	}
	e.deleted = true
	for _, d := range e.deployments {
		d.core.remove() // one that would have come late has nowhere left to come to
	}
	t.cloud.unroute(e.body.Name)
	return jsonReply(http.StatusOK, struct{}{})
}

// next returns what the next id or etag ends with.
func (t *together) next() string {
	t.made++
	return token(t.made)
}
