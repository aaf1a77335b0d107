package together

import (
	"context"
	"net/http"
	"net/url"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// Scale implements [provider.Provider].
func (c *cloud) Scale(ctx context.Context, id string, replicas provider.Replicas) error {
	const op = "scale endpoint"
	d, err := c.deployed(ctx, op, id)
	if err != nil {
		return err
	}
	if d == nil {
		return refused(op, "the endpoint has no deployment")
	}
	_, err = c.setBounds(ctx, op, id, d.id(), replicas)
	return err
}

// Start implements [provider.Provider]. A stopped deployment has forgotten its
// bounds: it starts with one replica, and Scale gives it more. One that is still
// stopping cannot be started, which is Unavailable; one that has failed never
// can, which is Refused.
func (c *cloud) Start(ctx context.Context, id string) error {
	const op = "start endpoint"
	d, err := c.deployed(ctx, op, id)
	switch {
	case err != nil:
		return err
	case d == nil:
		return refused(op, "the endpoint has no deployment")
	case d.state() == failed:
		return refused(op, "the deployment has failed for good; delete the endpoint and create another")
	case d.state() == stopping:
		return &provider.Error{Kind: provider.Unavailable, Op: "together: " + op, Message: "the deployment is still stopping"}
	}
	bounds := d.bounds()
	bounds.Min = max(bounds.Min, 1)
	bounds.Max = max(bounds.Max, bounds.Min)
	_, err = c.setBounds(ctx, op, id, d.id(), bounds)
	return err
}

// Stop implements [provider.Provider]. It concerns every deployment of the
// endpoint, and leaves the traffic split as it is.
func (c *cloud) Stop(ctx context.Context, id string) error {
	const op = "stop endpoint"
	if id == "" {
		return refused(op, "no endpoint id")
	}
	deployments, err := c.deployments(ctx, op, id)
	if err != nil {
		return unlessAbsent(err)
	}
	for i := range deployments {
		if _, err := c.stop(ctx, op, id, &deployments[i]); err != nil {
			return err
		}
	}
	return nil
}

// Delete implements [provider.Provider]. It takes all the steps that are
// possible now, in the order that the service demands, and leaves those that
// have to wait for the next call. An answer that a step comes too early, or that
// the endpoint changed meanwhile, is Unavailable.
func (c *cloud) Delete(ctx context.Context, id string) error {
	const op = "delete endpoint"
	e, err := c.endpoint(ctx, op, id)
	if err != nil {
		return unlessAbsent(err)
	}
	deployments, err := c.deployments(ctx, op, id)
	if err != nil {
		return unlessAbsent(err)
	}
	if len(e.Split.Value) > 0 || !e.Split.Known {
		if _, err := c.setSplit(ctx, op, e, []weightRequest{}); err != nil {
			return unlessAbsent(tooEarly(err))
		}
	}
	left := 0
	for i := range deployments {
		gone, err := c.deleteDeployment(ctx, op, id, &deployments[i])
		if err != nil {
			return err
		}
		if !gone {
			left++
		}
	}
	if left > 0 {
		return nil
	}
	return unlessAbsent(tooEarly(c.send(ctx, request{
		op: op + " " + provider.Clip(id, maxName), method: http.MethodDelete, path: []string{id},
	}, nil)))
}

// deleteDeployment takes the deployment one step or two closer to its end, and
// reports whether that is reached.
func (c *cloud) deleteDeployment(ctx context.Context, op, endpointID string, d *deployment) (gone bool, err error) {
	state, err := c.stop(ctx, op, endpointID, d)
	if err != nil || state != stopped && state != failed {
		return false, err
	}
	err = c.send(ctx, request{
		op: op + ": delete its deployment", method: http.MethodDelete, path: []string{endpointID, "deployments", d.id()},
	}, nil)
	if err = unlessAbsent(tooEarly(err)); err != nil {
		return false, err
	}
	return true, nil
}

// stop scales the deployment to zero, unless that was done before or it has
// failed, and returns its state. One that is gone counts as stopped.
func (c *cloud) stop(ctx context.Context, op, endpointID string, d *deployment) (state string, err error) {
	switch state := d.state(); {
	case state == stopped, state == failed, state == stopping:
		return state, nil
	}
	after, err := c.setBounds(ctx, op, endpointID, d.id(), provider.Replicas{})
	if provider.Absent(err) {
		return stopped, nil
	}
	if err != nil {
		return "", tooEarly(err)
	}
	return after.state(), nil
}

// deployed reads the endpoint and returns its deployment, or nil if it has none.
func (c *cloud) deployed(ctx context.Context, op, id string) (*deployment, error) {
	e, err := c.endpoint(ctx, op, id)
	if err != nil {
		return nil, err
	}
	return e.ours(), nil
}

func (c *cloud) setBounds(ctx context.Context, op, endpointID, id string, bounds provider.Replicas) (*deployment, error) {
	var d deployment
	err := c.send(ctx, request{
		op: op + " " + provider.Clip(endpointID, maxName), method: http.MethodPatch, path: []string{endpointID, "deployments", id},
		query: url.Values{"updateMask": {"autoscaling"}},
		body:  map[string]any{"autoscaling": autoscalingRequest{Min: bounds.Min, Max: bounds.Max}},
	}, &d)
	return &d, err
}

// tooEarly sorts a 400 on the way out: what is wrong now, such as a deployment
// that has not stopped, will not be wrong later.
func tooEarly(err error) error {
	if answered(err, http.StatusBadRequest) {
		return as(err, provider.Unavailable)
	}
	return err
}

func unlessAbsent(err error) error {
	if provider.Absent(err) {
		return nil
	}
	return err
}
