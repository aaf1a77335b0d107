package togetherv1

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// endpoint is Together's DedicatedEndpoint, or an item of its listing, which
// has less. Every field may be missing or odd but the id, without which an
// endpoint could not be deleted.
type endpoint struct {
	ID          provider.Maybe[string] `json:"id"`
	Name        provider.Maybe[string] `json:"name"` // "model" of requests
	DisplayName provider.Maybe[string] `json:"display_name"`
	Model       provider.Maybe[string] `json:"model"`
	Hardware    provider.Maybe[string] `json:"hardware"`
	State       provider.Maybe[string] `json:"state"`
	Autoscaling provider.Maybe[bounds] `json:"autoscaling"`
	CreatedAt   provider.Maybe[string] `json:"created_at"`
}

type bounds struct {
	Min provider.Maybe[int] `json:"min_replicas"`
	Max provider.Maybe[int] `json:"max_replicas"`
}

func (e *endpoint) UnmarshalJSON(data []byte) error {
	type fields endpoint // without this method
	if err := json.Unmarshal(data, (*fields)(e)); err != nil {
		return err
	}
	if e.ID.Value == "" {
		return errors.New("an endpoint without id")
	}
	return nil
}

// state translates an endpoint as far as it is told.
func (c *cloud) state(e *endpoint) provider.State {
	scaling := e.Autoscaling.Value
	state := provider.State{
		ID:      e.ID.Value,
		Name:    e.DisplayName.Value,
		Phase:   phase(e.State.Value),
		Detail:  provider.Clip(e.State.Value, maxDetail),
		BaseURL: c.inference,
		Model:   e.Name.Value,
		Shape: provider.Shape{
			Model: e.Model.Value, GPU: gpuOf(e.Hardware.Value),
			Replicas: provider.Replicas{Min: scaling.Min.Value, Max: scaling.Max.Value},
		},
	}
	if state.Phase == provider.Ready {
		state.ReadyReplicas = max(scaling.Min.Value, 1)
	}
	if at, err := time.Parse(time.RFC3339, e.CreatedAt.Value); err == nil {
		state.CreatedAt = at.UTC()
	}
	return state
}

// phase translates the six documented states. Whether ERROR is the end is not
// documented, so that the endpoint gets the time to recover.
func phase(state string) provider.Phase {
	switch strings.ToUpper(strings.TrimSpace(state)) {
	case "PENDING", "STARTING":
		return provider.Provisioning
	case "STARTED":
		return provider.Ready
	case "STOPPING":
		return provider.Stopping
	case "STOPPED":
		return provider.Stopped
	case "ERROR":
		return provider.Stalled
	}
	return provider.Unknown
}
