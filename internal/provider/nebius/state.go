package nebius

import (
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// state translates an endpoint as listed.
func (c *cloud) state(e *endpoint) provider.State {
	at := e.Deployment.Value
	region := e.Region.Value
	return provider.State{
		ID:            e.id(),
		Name:          name(e),
		Phase:         phase(e.Enabled, word(at.Status), word(at.Readiness)),
		Detail:        detail(at),
		ReadyReplicas: max(at.ReadyReplicas.Value, 0),
		BaseURL:       c.inferenceURL(region),
		Model:         e.RoutingKey.Value,
		Shape: provider.Shape{
			Model: e.Model.Value, Flavor: e.Flavor.Value, Region: region,
			GPU:      provider.GPU{Type: e.GPUType.Value, Count: e.GPUCount.Value},
			Replicas: provider.Replicas{Min: e.Scaling.Value.Min.Value, Max: e.Scaling.Value.Max.Value},
		},
		CreatedAt: timestamp(e.CreatedAt.Value),
	}
}

// createdState translates the answer to create, which may tell no more than an
// id: the rest is as it was asked for.
func (c *cloud) createdState(reply *created, name string, shape provider.Shape) provider.State {
	state := c.state(&reply.endpoint)
	state.Name, state.Shape = name, shape
	state.BaseURL = c.inferenceURL(shape.Region)
	if !reply.Deployment.Known {
		state.Phase = provider.Provisioning
	}
	return state
}

func (c *cloud) inferenceURL(region string) string {
	if c.inference != "" {
		return c.inference
	}
	if documented, ok := inferenceURLs[region]; ok {
		return documented
	}
	return centralAPI
}

// phase translates the wished state and the two observed words. What is wished
// off is never called usable, and only the stage "stopped" proves that it is
// off: one that is stopped but wished on may start at any moment.
func phase(enabled provider.Maybe[bool], status, readiness string) provider.Phase {
	wishedOff := enabled.Known && !enabled.Value
	switch {
	case status == "stopped" && (wishedOff || !enabled.Known):
		return provider.Stopped
	case status == "stopping", wishedOff && isStage(status):
		return provider.Stopping
	case wishedOff:
		return provider.Unknown
	case readiness == "ready":
		return provider.Ready
	case readiness == "partially_ready":
		return provider.Degraded
	case !isStage(status) || readiness != "not_ready":
		return provider.Unknown
	case status == "error":
		return provider.Stalled
	}
	return provider.Provisioning
}

// isStage reports whether status is one of the documented stages.
func isStage(status string) bool {
	switch status {
	case "starting", "running", "updating", "stopping", "stopped", "error":
		return true
	}
	return false
}

func word(state provider.Maybe[string]) string {
	return strings.ToLower(strings.TrimSpace(state.Value))
}

// detail is "status/readiness" as Nebius wrote it.
func detail(at deployment) string {
	if !at.Status.Known && !at.Readiness.Known {
		return ""
	}
	return provider.Clip(at.Status.Value, maxDetail) + "/" + provider.Clip(at.Readiness.Value, maxDetail)
}

// name is the display name, or the one that the description repeats.
func name(e *endpoint) string {
	if e.Name.Value != "" {
		return e.Name.Value
	}
	tagged, _ := strings.CutPrefix(e.Description.Value, tagPrefix)
	if tagged == e.Description.Value {
		return ""
	}
	return tagged
}

// timestamp reads a time with or without a zone, which then is UTC. The zero
// time stands for what cannot be read.
func timestamp(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
