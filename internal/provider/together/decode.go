package together

import (
	"encoding/json"
	"errors"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// endpoint is Together's endpoint. Every field may be missing or odd but the
// id, without which it could not be deleted.
type endpoint struct {
	ID          provider.Maybe[string]       `json:"id"`
	Name        provider.Maybe[string]       `json:"name"` // "<project>/<name>"
	ETag        provider.Maybe[string]       `json:"etag"`
	Split       provider.Maybe[[]weight]     `json:"trafficSplit"`
	Deployments provider.Maybe[[]deployment] `json:"deployments"` // the newest, in short
	CreatedAt   provider.Maybe[string]       `json:"createdAt"`
}

type weight struct {
	Deployment provider.Maybe[string]  `json:"deploymentId"`
	Weight     provider.Maybe[float64] `json:"weight"`
}

// deployment is Together's deployment, whole or as its endpoint shows it: then
// state and ready replicas are not in a status.
type deployment struct {
	ID          provider.Maybe[string]      `json:"id"`
	Config      provider.Maybe[string]      `json:"config"`   // resource name
	Hardware    provider.Maybe[string]      `json:"hardware"` // "1xnvidia-h100-80gb"
	Autoscaling provider.Maybe[autoscaling] `json:"autoscaling"`
	Status      provider.Maybe[status]      `json:"status"`
	State       provider.Maybe[string]      `json:"state"`
	Ready       provider.Maybe[int]         `json:"readyReplicas"`
}

type autoscaling struct {
	Min provider.Maybe[int] `json:"minReplicas"`
	Max provider.Maybe[int] `json:"maxReplicas"`
}

type status struct {
	State   provider.Maybe[string] `json:"state"`
	Message provider.Maybe[string] `json:"message"`
	Ready   provider.Maybe[int]    `json:"readyReplicas"`
}

func (e *endpoint) UnmarshalJSON(data []byte) error {
	type fields endpoint // without this method
	if err := json.Unmarshal(data, (*fields)(e)); err != nil {
		return err
	}
	if e.id() == "" {
		return errors.New("an endpoint without id")
	}
	return nil
}

func (d *deployment) UnmarshalJSON(data []byte) error {
	type fields deployment
	if err := json.Unmarshal(data, (*fields)(d)); err != nil {
		return err
	}
	if d.id() == "" {
		return errors.New("a deployment without id")
	}
	return nil
}

func (e *endpoint) id() string   { return e.ID.Value }
func (d *deployment) id() string { return d.ID.Value }

// whoami is what a key is allowed to see.
type whoami struct {
	Project provider.Maybe[string] `json:"project_id"`
}

func (w *whoami) UnmarshalJSON(data []byte) error {
	type fields whoami
	if err := json.Unmarshal(data, (*fields)(w)); err != nil {
		return err
	}
	if w.Project.Value == "" {
		return errors.New("no project_id")
	}
	return nil
}

// page is a listing with a cursor to the next. One that cannot be read is an
// error, as a listing that ends too early would be a false proof.
type page[T any] struct {
	provider.Listing[T]
	next string
}

func (p *page[T]) UnmarshalJSON(data []byte) error {
	var reply struct {
		Next *string `json:"next_cursor"`
	}
	if err := json.Unmarshal(data, &reply); err != nil {
		return err
	}
	if reply.Next != nil {
		p.next = *reply.Next
	}
	return p.Listing.UnmarshalJSON(data)
}
