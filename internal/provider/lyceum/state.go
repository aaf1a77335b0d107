package lyceum

import (
	"fmt"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

const maxDetail = 80 // bytes of a status word that are kept

// state translates a deployment as listed.
func (c *cloud) state(d *deployment) provider.State {
	healthy := d.healthy()
	return provider.State{
		ID:            d.id(),
		Phase:         phase(normal(d.status().Value), healthy, d.Min.Value),
		Detail:        detail(d),
		ReadyReplicas: max(healthy.Value, 0),
		BaseURL:       c.settings.inference,
		Model:         d.id(),
		Shape: provider.Shape{
			Model: either(d.HFModel, d.Model).Value, GPU: gpu(d.Profile.Value),
			Replicas: provider.Replicas{Min: d.Min.Value, Max: d.Max.Value},
		},
		CreatedAt: timestamp(d.CreatedAt.Value),
	}
}

// gpu is the hardware of a replica: one profile, if it is told.
func gpu(profile string) provider.GPU {
	if profile == "" {
		return provider.GPU{}
	}
	return provider.GPU{Type: profile, Count: 1}
}

// phase translates the status word, and the replicas that are healthy where
// that is told. Nothing says that a deployment which failed will stay so.
func phase(status string, healthy provider.Maybe[int], wanted int) provider.Phase {
	switch status {
	case "stopped", "terminated", "deleted":
		return provider.Gone
	case "paused":
		return provider.Stopped
	case "stopping":
		return provider.Stopping
	case "failed":
		return provider.Stalled
	case "pending", "starting", "running":
	default:
		return provider.Unknown
	}
	switch {
	case healthy.Known && healthy.Value >= max(wanted, 1), !healthy.Known && status == "running":
		return provider.Ready
	case healthy.Value > 0:
		return provider.Degraded
	}
	return provider.Provisioning
}

// detail is the status as Lyceum wrote it, and what else there is to know.
func detail(d *deployment) string {
	status, healthy := d.status(), d.healthy()
	text := provider.Clip(status.Value, maxDetail)
	if normal(status.Value) == "paused" {
		return text + "; the next request starts it again"
	}
	if status.Known && healthy.Known {
		text += fmt.Sprintf("; %d healthy replicas", healthy.Value)
	}
	return text
}

// timestamp reads a time with or without a zone, which then is UTC. The zero
// time stands for what cannot be read.
func timestamp(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
