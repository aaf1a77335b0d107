package nebius

import (
	"encoding/json"
	"errors"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// endpoint is Nebius's DedicatedEndpoint. Every field may be missing or odd but
// the id, without which an endpoint could not be deleted.
type endpoint struct {
	ID          provider.Maybe[string]     `json:"id"`
	EndpointID  provider.Maybe[string]     `json:"endpoint_id"` // instead of id, in one form of the answer to create
	Name        provider.Maybe[string]     `json:"name"`
	Description provider.Maybe[string]     `json:"description"`
	Enabled     provider.Maybe[bool]       `json:"enabled"`
	RoutingKey  provider.Maybe[string]     `json:"routing_key"`
	Model       provider.Maybe[string]     `json:"model_name"`
	Flavor      provider.Maybe[string]     `json:"flavor_name"`
	Region      provider.Maybe[string]     `json:"region"`
	GPUType     provider.Maybe[string]     `json:"gpu_type"`
	GPUCount    provider.Maybe[int]        `json:"gpu_count"`
	Scaling     provider.Maybe[bounds]     `json:"scaling"`
	Deployment  provider.Maybe[deployment] `json:"deployment"`
	CreatedAt   provider.Maybe[string]     `json:"created_at"`
}

type bounds struct {
	Min provider.Maybe[int] `json:"min_replicas"`
	Max provider.Maybe[int] `json:"max_replicas"`
}

type deployment struct {
	ReadyReplicas provider.Maybe[int]    `json:"ready_replicas"`
	Status        provider.Maybe[string] `json:"status"`
	Readiness     provider.Maybe[string] `json:"readiness"`
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

func (e *endpoint) id() string {
	if e.ID.Value != "" {
		return e.ID.Value
	}
	return e.EndpointID.Value
}

// created is the answer to create: the endpoint, bare or wrapped.
type created struct{ endpoint }

func (c *created) UnmarshalJSON(data []byte) error {
	var wrapped struct {
		Endpoint json.RawMessage `json:"endpoint"`
	}
	if json.Unmarshal(data, &wrapped) == nil && len(wrapped.Endpoint) > 0 {
		data = wrapped.Endpoint
	}
	return json.Unmarshal(data, &c.endpoint)
}
