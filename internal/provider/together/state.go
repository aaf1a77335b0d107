package together

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// state translates an endpoint and its deployment, which is nil if it has none.
// Of the shape it tells the hardware, the bounds, and as flavor the config, by which
// Check knows the profile too; the model is known here by another name than the
// one it is rented by.
func (c *cloud) state(e *endpoint, d *deployment) provider.State {
	s := provider.State{
		ID: e.id(), Name: bare(e.Name.Value), Phase: phase(e, d), Detail: "no deployment",
		BaseURL: c.inference, Model: e.Name.Value, CreatedAt: timestamp(e.CreatedAt.Value),
	}
	if d == nil {
		return s
	}
	s.Detail = detail(e, d)
	s.ReadyReplicas = d.ready()
	s.Shape = provider.Shape{
		Flavor: d.Config.Value, GPU: gpuOf(d.Hardware.Value), Replicas: d.bounds(),
	}
	return s
}

// bare is an endpoint's name as it was given to Create: without the project.
func bare(qualified string) string {
	if _, name, ok := strings.Cut(qualified, "/"); ok {
		return name
	}
	return qualified
}

// ours is the deployment that stands for the endpoint, or nil: the one that is
// in the split, or the newest. Create makes only one, but one that comes late
// may be joined by another.
func (e *endpoint) ours() *deployment { return pick(e, e.Deployments.Value) }

func pick(e *endpoint, deployments []deployment) *deployment {
	if len(deployments) == 0 {
		return nil
	}
	at := slices.IndexFunc(deployments, func(d deployment) bool { return e.routes(&d) })
	return &deployments[max(at, 0)]
}

// routes reports whether requests may go to the deployment.
func (e *endpoint) routes(d *deployment) bool {
	return slices.ContainsFunc(e.Split.Value, func(w weight) bool {
		return w.Deployment.Value == d.id() && w.Weight.Value > 0
	})
}

// The states of a deployment, without what they all begin with.
const (
	statePrefix  = "DEPLOYMENT_STATE_"
	provisioning = "PROVISIONING"
	scaling      = "SCALING"
	ready        = "READY"
	degraded     = "DEGRADED"
	stopping     = "STOPPING"
	stopped      = "STOPPED"
	failed       = "FAILED"
)

func (d *deployment) state() string {
	text := d.State
	if d.Status.Value.State.Known {
		text = d.Status.Value.State
	}
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text.Value)), statePrefix)
}

func (d *deployment) ready() int {
	if d.Status.Value.Ready.Known {
		return max(d.Status.Value.Ready.Value, 0)
	}
	return max(d.Ready.Value, 0)
}

func (d *deployment) bounds() provider.Replicas {
	a := d.Autoscaling.Value
	return provider.Replicas{Min: a.Min.Value, Max: a.Max.Value}
}

// wishedOff reports whether the deployment was scaled to zero, which its state
// may not show yet.
func (d *deployment) wishedOff() bool {
	a := d.Autoscaling.Value
	return a.Max.Known && a.Max.Value == 0
}

// off reports whether the deployment does not serve and will not by itself.
func (d *deployment) off() bool {
	state := d.state()
	return d.wishedOff() || state == stopping || state == stopped || state == failed
}

// phase translates what is seen. A deployment outside the split serves nothing:
// either creating the endpoint was cut short, or deleting it is under way.
func phase(e *endpoint, d *deployment) provider.Phase {
	if d == nil {
		if !e.Deployments.Known {
			return provider.Unknown
		}
		return provider.Partial
	}
	state := d.state()
	switch {
	case state == failed:
		return provider.Failed
	case state == stopped:
		return provider.Stopped
	case state == stopping, d.wishedOff() && isState(state):
		return provider.Stopping
	case !isState(state), !e.Split.Known:
		return provider.Unknown
	case !e.routes(d):
		return provider.Partial
	}
	return serving(d, state)
}

// serving translates the states of a deployment that is wished to serve and is
// in the split. Replicas that are ready serve while others are on their way.
func serving(d *deployment, state string) provider.Phase {
	enough := d.ready() >= max(d.bounds().Min, 1)
	switch {
	case state == ready, enough && state != degraded:
		return provider.Ready
	case d.ready() > 0:
		return provider.Degraded
	case state == degraded:
		return provider.Stalled
	}
	return provider.Provisioning
}

func isState(state string) bool {
	switch state {
	case provisioning, scaling, ready, degraded, stopping, stopped, failed:
		return true
	}
	return false
}

// detail is the state and its message as Together wrote them.
func detail(e *endpoint, d *deployment) string {
	text := strings.ToLower(d.state())
	if text == "" {
		text = "no state"
	}
	if message := d.Status.Value.Message.Value; message != "" {
		text += ": " + message
	}
	if !e.routes(d) {
		text += " (not in the traffic split)"
	}
	return provider.Clip(text, maxDetail)
}

// gpuOf reads hardware such as "8xnvidia-h100-80gb".
func gpuOf(hardware string) provider.GPU {
	count, kind, ok := strings.Cut(hardware, "x")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 {
		return provider.GPU{Type: hardware}
	}
	return provider.GPU{Type: kind, Count: n}
}

// timestamp reads a time; the zero time stands for what cannot be read.
func timestamp(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
