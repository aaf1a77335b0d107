package togetherv1

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// maxProblems bounds the text about a shape, in bytes: seven problems with a
// dozen names each.
const maxProblems = 4000

// Check implements [provider.Provider]. It names every problem of the shape at
// once. The offer's stock is what the service says at this moment. How many
// replicas it allows it does not tell.
func (c *cloud) Check(ctx context.Context, shape provider.Shape) (provider.Offer, error) {
	offer, problems, err := c.match(ctx, shape)
	if err != nil {
		return provider.Offer{}, err
	}
	zoneProblems, err := c.checkZone(ctx, shape.Region)
	if err != nil {
		return provider.Offer{}, err
	}
	problems = slices.Concat(incomplete(shape), problems, zoneProblems,
		provider.ReadOptions(shape.Options, new(createRequest).options()))
	if len(problems) > 0 {
		return provider.Offer{}, refusal("check shape", problems)
	}
	if shape.Region != "" {
		offer.Regions = []string{shape.Region}
	}
	return offer, nil
}

// incomplete names what is wrong with a shape whatever is on offer.
func incomplete(shape provider.Shape) []string {
	var problems []string
	for _, field := range []struct {
		wrong   bool
		problem string
	}{
		{shape.Model == "", "model is missing"},
		{shape.Flavor != "", "flavor: this provider has none"},
		{shape.GPU.Type == "", "gpu.type is missing"},
		{shape.Replicas.Min < 1, "replicas.min must be at least 1"},
		{shape.Replicas.Max < shape.Replicas.Min, "replicas.max must not be below replicas.min"},
	} {
		if field.wrong {
			problems = append(problems, field.problem)
		}
	}
	return problems
}

// match finds the hardware that the shape names among what its model runs on.
func (c *cloud) match(ctx context.Context, shape provider.Shape) (provider.Offer, []string, error) {
	all, err := c.hardware(ctx, shape.Model)
	switch {
	case err == nil && len(all) == 0:
		return provider.Offer{}, []string{fmt.Sprintf("model %q: no hardware is offered for it", shape.Model)}, nil
	case provider.Absent(err) && shape.Model != "":
		return provider.Offer{}, []string{fmt.Sprintf("model %q: %v", shape.Model, err)}, nil
	case err != nil:
		return provider.Offer{}, nil, err
	case shape.GPU.Type == "":
		return provider.Offer{}, nil, nil // which incomplete has named
	}
	wanted := hardwareID(shape.GPU)
	known := make([]string, len(all))
	for i, h := range all {
		known[i] = h.ID.Value
	}
	at := slices.Index(known, wanted)
	if at < 0 {
		slices.Sort(known)
		return provider.Offer{}, []string{provider.NotOneOf("hardware", wanted, known)}, nil
	}
	offer := all[at].offer(shape.Model)
	if count := shape.GPU.Count; wanted == shape.GPU.Type && count > 1 && count != offer.GPU.Count {
		return offer, []string{fmt.Sprintf("gpu.count is %d, but gpu.type %s has %d", count, wanted, offer.GPU.Count)}, nil
	}
	return offer, nil, nil
}

// checkZone compares a region with the availability zones, if one is asked for.
func (c *cloud) checkZone(ctx context.Context, zone string) ([]string, error) {
	if zone == "" {
		return nil, nil
	}
	var reply struct {
		Zones provider.Maybe[[]string] `json:"avzones"`
	}
	call := provider.Call{Op: "list availability zones", Method: http.MethodGet, Path: "/v1/clusters/availability-zones"}
	err := c.rest.Do(ctx, call, &reply)
	// A list that is not there, or cannot be read, leaves the zone to create.
	if zones := reply.Zones.Value; err == nil && len(zones) > 0 && !slices.Contains(zones, zone) {
		return []string{provider.NotOneOf("region", zone, zones)}, nil
	}
	return nil, unlessAbsent(err)
}
