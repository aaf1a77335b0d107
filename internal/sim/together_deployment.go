package sim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// togetherDeployment is what Together keeps of a deployment beside the core.
type togetherDeployment struct {
	core   *endpoint
	body   togetherDeploymentBody // but for what the core knows
	bounds Range                  // of autoscaling as asked for; 0 and 0 ask it to stop
}

// togetherAutoscaling has pointers where leaving out means leaving as it is.
type togetherAutoscaling struct {
	Min         *int   `json:"minReplicas"`
	Max         *int   `json:"maxReplicas"`
	ScaleToZero string `json:"scaleToZeroWindow,omitempty"` // kept and shown; nothing stops an idle deployment
}

type togetherPlacement struct {
	Inline struct {
		Regions    []string `json:"regions,omitempty"`
		Constraint string   `json:"constraint,omitempty"`
	} `json:"inline"`
}

// onDeployment finds the deployment that the path names, or answers 404.
func (t *together) onDeployment(operate func(*call, *togetherEndpoint, *togetherDeployment) reply) func(*call) reply {
	return t.onEndpoint(func(x *call, e *togetherEndpoint) reply {
		if d := e.deployment(x.r.PathValue("deployment")); d != nil {
			return operate(x, e, d)
		}
		return refuseTogether(http.StatusNotFound, "deployment not found")
	})
}

// deployment returns the one with that id if Together lists it, or nil.
func (e *togetherEndpoint) deployment(id string) *togetherDeployment {
	for _, d := range e.known() {
		if d.body.ID == id {
			return d
		}
	}
	return nil
}

// known returns the deployments that Together lists, newest first.
func (e *togetherEndpoint) known() []*togetherDeployment {
	var known []*togetherDeployment
	for _, d := range slices.Backward(e.deployments) {
		if d.core.look("").listed {
			known = append(known, d)
		}
	}
	return known
}

func (t *together) listDeployments(x *call, e *togetherEndpoint) reply {
	var bodies []togetherDeploymentBody
	matches, refusal := togetherFilter(x)
	if matches == nil {
		return refusal
	}
	for _, d := range e.known() {
		if matches(d.body.Name) {
			bodies = append(bodies, d.show(x))
		}
	}
	return togetherPage(x, bodies, func(b togetherDeploymentBody) string { return b.ID })
}

func (t *together) getDeployment(x *call, _ *togetherEndpoint, d *togetherDeployment) reply {
	return jsonReply(http.StatusOK, d.show(x))
}

func (t *together) createDeployment(x *call, e *togetherEndpoint) reply {
	var asked struct {
		Name        string              `json:"name"`
		Model       string              `json:"model"`
		Config      string              `json:"config"`
		Autoscaling togetherAutoscaling `json:"autoscaling"`
		Placement   *togetherPlacement  `json:"placement"`
		EnableLora  bool                `json:"enableLora"`
	}
	if refusal, refused := readTogether(x, &asked); refused {
		return refusal
	}
	name := e.body.Name + "/" + asked.Name
	profile, instance := certified(asked.Model, asked.Config)
	bounds, problem := asked.Autoscaling.apply(Range{})
	switch {
	case !togetherNames.MatchString(asked.Name):
		problem = "name must consist of letters, digits, '.', '_' and '-'"
	case profile == nil:
		problem = "config is not certified for model"
	case problem == "" && bounds.Min < 1:
		problem = "autoscaling.minReplicas must be at least 1"
	case problem == "":
		problem = asked.Placement.problem(instance)
	}
	if problem != "" {
		return refuseTogether(http.StatusBadRequest, problem)
	}
	if slices.ContainsFunc(e.known(), func(d *togetherDeployment) bool { return d.body.Name == name }) {
		return refuseTogether(http.StatusConflict, "Already Exists")
	}
	d := &togetherDeployment{bounds: bounds, body: togetherDeploymentBody{
		ID: "dep_" + t.next(), ProjectID: togetherProject, EndpointID: e.body.ID, Name: name, ETag: t.next(),
		Hardware: instance.ID, Model: asked.Model, Config: asked.Config, TrafficMode: "TRAFFIC_MODE_LIVE",
		Placement: asked.Placement, EnableLora: asked.EnableLora, scaleToZero: asked.Autoscaling.ScaleToZero,
	}}
	d.core = x.open(spec{
		provider: "together", id: e.body.ID, name: e.body.Name[len(togetherSlug)+1:], key: e.body.Name,
		gpus: instance.GPUCount, bounds: bounds, unready: "routing_error",
	})
	e.deployments = append(e.deployments, d)
	t.routeTraffic(e)
	return jsonReply(http.StatusOK, d.show(x))
}

// updateDeployment changes the bounds: from some to none asks it to stop, from
// none to some to start again.
func (t *together) updateDeployment(x *call, _ *togetherEndpoint, d *togetherDeployment) reply {
	var asked struct {
		Autoscaling *togetherAutoscaling `json:"autoscaling"`
		ETag        string               `json:"etag"`
	}
	if refusal, refused := readTogether(x, &asked); refused {
		return refusal
	}
	mask, state := x.r.URL.Query().Get("updateMask"), d.core.look("").state
	switch {
	case asked.ETag != "" && asked.ETag != d.body.ETag:
		return refuseTogether(http.StatusConflict, "stale etag")
	case mask != "" && mask != "autoscaling":
		return refuseTogether(http.StatusBadRequest, fmt.Sprintf("update mask: unknown field %q", mask))
	case asked.Autoscaling == nil:
		return refuseTogether(http.StatusBadRequest, "no fields to update")
	case state == Failed:
		return refuseTogether(http.StatusBadRequest, "deployment is in a terminal state")
	}
	bounds, problem := asked.Autoscaling.apply(d.bounds)
	if problem == "" && bounds.Min > 0 && state == Stopping {
		problem = "deployment is stopping; it can be started once it has stopped"
	}
	if problem != "" {
		return refuseTogether(http.StatusBadRequest, problem)
	}
	if err := d.rescale(bounds); err != nil {
		return refuseTogether(http.StatusConflict, err.Error())
	}
	d.bounds, d.body.ETag = bounds, t.next()
	return jsonReply(http.StatusOK, d.show(x))
}

func (d *togetherDeployment) rescale(bounds Range) error {
	if bounds.Max == 0 {
		return d.core.stop()
	}
	d.core.scale(bounds)
	return d.core.start()
}

func (t *together) deleteDeployment(x *call, e *togetherEndpoint, d *togetherDeployment) reply {
	if slices.ContainsFunc(e.body.TrafficSplit, func(w togetherWeight) bool { return w.DeploymentID == d.body.ID }) {
		return refuseTogether(http.StatusBadRequest, "deployment is in the endpoint's traffic split")
	}
	if state := d.core.look("").state; state != Stopped && state != Failed {
		return refuseTogether(http.StatusBadRequest, "deployment must be stopped before it is deleted")
	}
	d.core.crash(Gone) // it holds nothing that would have to drain
	e.deployments = slices.DeleteFunc(e.deployments, func(other *togetherDeployment) bool { return other == d })
	return jsonReply(http.StatusOK, struct{}{})
}

// apply returns the bounds that an update leads to, or what is wrong with it.
func (a togetherAutoscaling) apply(now Range) (bounds Range, problem string) {
	bounds = now
	if a.Min != nil {
		bounds.Min = *a.Min
	}
	if a.Max != nil {
		bounds.Max = *a.Max
	} else if now == (Range{}) {
		bounds.Max = bounds.Min
	}
	switch {
	case bounds.Min < 0 || bounds.Max < bounds.Min:
		problem = "autoscaling: maxReplicas must be at least minReplicas, and neither negative"
	case bounds.Min == 0 && bounds.Max > 0:
		problem = "autoscaling: minReplicas must be at least 1 unless both are 0"
	}
	if window, err := time.ParseDuration(a.ScaleToZero); a.ScaleToZero != "" && (err != nil || window <= 0 || a.ScaleToZero[len(a.ScaleToZero)-1] != 's') {
		problem = "autoscaling: scaleToZeroWindow is not a duration in seconds"
	}
	return bounds, problem
}

func (p *togetherPlacement) problem(instance InstanceType) string {
	if p == nil {
		return ""
	}
	if c := p.Inline.Constraint; c != "" && c != "ENFORCEMENT_REQUIRED" && c != "ENFORCEMENT_PREFERRED" {
		return "placement: unknown constraint " + c
	}
	for _, region := range p.Inline.Regions {
		if !slices.ContainsFunc(instance.Regions, func(r InstanceRegion) bool { return r.Name == region }) {
			return fmt.Sprintf("placement: %s is not offered in region %q", instance.ID, region)
		}
	}
	return ""
}
