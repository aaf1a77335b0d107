package together

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// deploymentName is what the one deployment of each endpoint is called, so that
// making it twice is refused.
const deploymentName = "nightshift"

// options are the words of [provider.Shape.Options] that this provider knows.
type options struct {
	scaleToZero time.Duration // scale_to_zero_window, and Shape.IdleStop; 0 sends none
	lora        bool          // enable_lora
}

func readOptions(shape provider.Shape) (o options, problems []string) {
	o.scaleToZero = shape.IdleStop
	problems = provider.ReadOptions(shape.Options, map[string]any{
		"scale_to_zero_window": &o.scaleToZero, "enable_lora": &o.lora,
	})
	if o.scaleToZero < 0 || o.scaleToZero > 0 && o.scaleToZero < time.Second {
		problems = append(problems, "options.scale_to_zero_window must be at least 1s")
	}
	return o, problems
}

type endpointRequest struct {
	Name       string `json:"name"`
	Visibility string `json:"visibility"`
}

type deploymentRequest struct {
	Name        string             `json:"name"`
	Model       string             `json:"model"`  // as the profile has it, word for word
	Config      string             `json:"config"` // likewise
	Autoscaling autoscalingRequest `json:"autoscaling"`
	Placement   *placement         `json:"placement,omitempty"`
	EnableLora  bool               `json:"enableLora,omitempty"`
}

// autoscalingRequest always has both bounds: 0 and 0 stop the deployment, and
// what is left out stays as it is.
type autoscalingRequest struct {
	Min         int    `json:"minReplicas"`
	Max         int    `json:"maxReplicas"`
	ScaleToZero string `json:"scaleToZeroWindow,omitempty"`
}

// placement is the least that names a region: no other rule, no saved profile.
type placement struct {
	Inline struct {
		Regions    []string `json:"regions"`
		Constraint string   `json:"constraint"`
	} `json:"inline"`
}

type splitRequest struct {
	Split []weightRequest `json:"trafficSplit"` // [] empties it; null would not
	ETag  string          `json:"etag,omitempty"`
}

type weightRequest struct {
	Deployment string `json:"deploymentId"`
	Weight     int    `json:"weight"`
}

// Create implements [provider.Provider]: endpoint, deployment, traffic split. It
// begins with what an earlier call of that name has made. An endpoint that is
// on its way out has to be deleted first: that is Unavailable.
func (c *cloud) Create(ctx context.Context, name string, shape provider.Shape) (provider.State, error) {
	const op = "create endpoint"
	p, o, err := c.choose(ctx, op, shape)
	if err != nil {
		return provider.State{}, err
	}
	e, d, err := c.begun(ctx, op, name)
	if err != nil {
		return provider.State{}, err
	}
	if e == nil {
		if e, err = c.makeEndpoint(ctx, op, name); err != nil {
			return provider.State{}, err
		}
	}
	if d == nil {
		if d, err = c.makeDeployment(ctx, op, e, deploymentOf(p, o, shape)); err != nil {
			return provider.State{}, err
		}
	}
	if d.off() {
		return provider.State{}, &provider.Error{
			Kind: provider.Unavailable, Op: "together: " + op,
			Message: "an endpoint of that name exists and is " + detail(e, d) + "; delete it first",
		}
	}
	if !e.routes(d) {
		if e, err = c.setSplit(ctx, op, e, []weightRequest{{Deployment: d.id(), Weight: 1}}); err != nil {
			return provider.State{}, ambiguous(err)
		}
	}
	s := c.state(e, d)
	s.Shape = shape
	s.Shape.Flavor, s.Shape.GPU, s.Shape.Replicas = p.ID.Value, p.gpu(), d.bounds()
	return s, nil
}

// begun finds what an earlier Create of that name has made.
func (c *cloud) begun(ctx context.Context, op, name string) (*endpoint, *deployment, error) {
	// The filter takes the bare name, although listings show the qualified one.
	found, err := c.endpoints(ctx, op+": look for its name", url.Values{"filter": {"name=" + strconv.Quote(name)}})
	if err != nil {
		return nil, nil, err
	}
	for i := range found {
		e := &found[i]
		if bare(e.Name.Value) != name {
			continue
		}
		deployments, err := c.deployments(ctx, op+": look for the deployment of", e.id())
		if err != nil {
			return nil, nil, ambiguous(err) // there may be one, and it may cost money
		}
		return e, pick(e, deployments), nil
	}
	return nil, nil, nil
}

func (c *cloud) makeEndpoint(ctx context.Context, op, name string) (*endpoint, error) {
	var e endpoint
	err := c.send(ctx, request{
		op: op, method: http.MethodPost, creates: true,
		body: endpointRequest{Name: name, Visibility: "VISIBILITY_PRIVATE"},
	}, &e)
	return &e, taken(err)
}

func deploymentOf(p *profile, o options, shape provider.Shape) deploymentRequest {
	r := deploymentRequest{
		Name: deploymentName, Model: p.Model.Value, Config: p.Config.Value, EnableLora: o.lora,
		Autoscaling: autoscalingRequest{Min: shape.Replicas.Min, Max: shape.Replicas.Max},
	}
	if o.scaleToZero > 0 {
		r.Autoscaling.ScaleToZero = strconv.FormatFloat(o.scaleToZero.Seconds(), 'f', -1, 64) + "s"
	}
	if shape.Region != "" {
		r.Placement = new(placement)
		r.Placement.Inline.Regions, r.Placement.Inline.Constraint = []string{shape.Region}, "ENFORCEMENT_REQUIRED"
	}
	return r
}

func (c *cloud) makeDeployment(ctx context.Context, op string, e *endpoint, body deploymentRequest) (*deployment, error) {
	var d deployment
	err := c.send(ctx, request{
		op: op + ": deploy the model", method: http.MethodPost, path: []string{e.id(), "deployments"}, creates: true, body: body,
	}, &d)
	return &d, taken(err)
}

// setSplit decides which deployments the endpoint sends requests to, unless the
// endpoint has changed since it was read: then it is to be read again, which is
// Unavailable.
func (c *cloud) setSplit(ctx context.Context, op string, e *endpoint, split []weightRequest) (*endpoint, error) {
	var changed endpoint
	err := c.send(ctx, request{
		op: op + ": set its traffic split", method: http.MethodPatch, path: []string{e.id()},
		query: url.Values{"updateMask": {"trafficSplit"}}, body: splitRequest{Split: split, ETag: e.ETag.Value},
	}, &changed)
	return &changed, err
}

// taken sorts a conflict about a name: what bears it exists, but the listing
// did not show it.
func taken(err error) error {
	if answered(err, http.StatusConflict) {
		return ambiguous(err)
	}
	return err
}

// ambiguous is for failures at a time when a deployment may exist.
func ambiguous(err error) error { return as(err, provider.Ambiguous) }
