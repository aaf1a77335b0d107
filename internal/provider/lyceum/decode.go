package lyceum

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// deployment is what create answers, where deployment_id and status are
// documented, and what a listing is assumed to hold. Every field may be missing
// or odd but the id.
type deployment struct {
	DeploymentID provider.Maybe[string] `json:"deployment_id"`
	ID           provider.Maybe[string] `json:"id"`
	Status       provider.Maybe[string] `json:"status"`
	State        provider.Maybe[string] `json:"state"`
	HFModel      provider.Maybe[string] `json:"hf_model_id"`
	Model        provider.Maybe[string] `json:"model"`
	Profile      provider.Maybe[string] `json:"hardware_profile"`
	Min          provider.Maybe[int]    `json:"min_replicas"`
	Max          provider.Maybe[int]    `json:"max_replicas"`
	Healthy      provider.Maybe[int]    `json:"healthy_replicas"`
	Ready        provider.Maybe[int]    `json:"ready_replicas"`
	Replicas     provider.Maybe[health] `json:"replicas"`
	CreatedAt    provider.Maybe[string] `json:"created_at"`
}

func (d *deployment) UnmarshalJSON(data []byte) error {
	type fields deployment // without this method
	if err := json.Unmarshal(data, (*fields)(d)); err != nil {
		return err
	}
	if d.id() == "" {
		return errors.New("a deployment without id")
	}
	return nil
}

func (d *deployment) id() string { return either(d.DeploymentID, d.ID).Value }

func (d *deployment) status() provider.Maybe[string] { return either(d.Status, d.State) }

// healthy is how many replicas serve, if that is told.
func (d *deployment) healthy() provider.Maybe[int] {
	return either(either(d.Healthy, d.Ready), d.Replicas.Value.healthy)
}

// either is the first of two fields that is there.
func either[T comparable](first, second provider.Maybe[T]) provider.Maybe[T] {
	if first.Known {
		return first
	}
	return second
}

// health is how many replicas of a deployment serve: told as a number, or one
// by one. A bare number of replicas tells nothing about their health.
type health struct{ healthy provider.Maybe[int] }

type replica struct {
	Healthy provider.Maybe[bool]   `json:"healthy"`
	Status  provider.Maybe[string] `json:"status"`
	Health  provider.Maybe[string] `json:"health"`
}

func (h *health) UnmarshalJSON(data []byte) error {
	var counts struct {
		Healthy provider.Maybe[int] `json:"healthy"`
		Ready   provider.Maybe[int] `json:"ready"`
	}
	if json.Unmarshal(data, &counts) == nil {
		h.healthy = either(counts.Healthy, counts.Ready)
		return nil
	}
	var replicas []replica
	if err := json.Unmarshal(data, &replicas); err != nil {
		return err
	}
	n := 0
	for _, r := range replicas {
		word := either(r.Health, r.Status)
		if !r.Healthy.Known && !word.Known {
			return errors.New("a replica whose health is not told")
		}
		if r.Healthy.Value || !r.Healthy.Known && isHealthy(word.Value) {
			n++
		}
	}
	h.healthy = provider.Maybe[int]{Value: n, Known: true}
	return nil
}

// isHealthy reports whether a replica of that state serves. "healthy" is the
// documented word.
func isHealthy(word string) bool {
	switch normal(word) {
	case "healthy", "ready", "running":
		return true
	}
	return false
}

func normal(word string) string { return strings.ToLower(strings.TrimSpace(word)) }

// listing is a list of deployments, bare or under one of several names. An
// answer without a list is an error and not an empty list, since absence from it
// is the proof that nothing is billed any more.
type listing struct {
	items   []deployment
	partial string // how it can be told that there are more; empty if it cannot
}

func (l *listing) UnmarshalJSON(data []byte) error {
	var page struct {
		Deployments *[]json.RawMessage     `json:"deployments"`
		Data        *[]json.RawMessage     `json:"data"`
		Items       *[]json.RawMessage     `json:"items"`
		Results     *[]json.RawMessage     `json:"results"`
		Total       provider.Maybe[int]    `json:"total"`
		HasMore     provider.Maybe[bool]   `json:"has_more"`
		Next        provider.Maybe[string] `json:"next"`
		NextCursor  provider.Maybe[string] `json:"next_cursor"`
	}
	items := new([]json.RawMessage)
	if err := json.Unmarshal(data, items); err != nil || *items == nil {
		if err := json.Unmarshal(data, &page); err != nil {
			return err
		}
		items = firstList(page.Deployments, page.Data, page.Items, page.Results)
	}
	if items == nil {
		return errors.New("no list of deployments")
	}
	l.items = make([]deployment, len(*items))
	for i, item := range *items {
		if err := json.Unmarshal(item, &l.items[i]); err != nil {
			return fmt.Errorf("item %d of %d: %w", i+1, len(*items), err)
		}
	}
	switch {
	case page.Total.Value > len(*items):
		l.partial = fmt.Sprintf("%d of %d deployments", len(*items), page.Total.Value)
	case page.HasMore.Value, page.Next.Value != "", page.NextCursor.Value != "":
		l.partial = fmt.Sprintf("%d deployments and another page", len(*items))
	}
	return nil
}

func firstList(lists ...*[]json.RawMessage) *[]json.RawMessage {
	for _, list := range lists {
		if list != nil {
			return list
		}
	}
	return nil
}
