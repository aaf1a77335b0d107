package nebius

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// maxProblems bounds the text about a shape, in bytes: seven problems with a
// dozen names each.
const maxProblems = 4000

// template is a model on offer. Its inner shape is not documented by Nebius
// itself, so that what cannot be read is left for create to judge.
type template struct {
	Name    provider.Maybe[string]            `json:"name"`
	Flavors provider.Maybe[map[string]flavor] `json:"flavors"`
}

type flavor struct {
	Available provider.Maybe[struct {
		GPUs provider.Maybe[map[string]offer] `json:"gpu_configurations"`
	}] `json:"available_configurations"`
}

// offer is what a GPU type can be had with. An empty list, like a maximum of 0,
// means that it is not told.
type offer struct {
	Regions     provider.Maybe[[]string] `json:"allowed_regions"`
	Counts      provider.Maybe[[]int]    `json:"allowed_gpu_counts"`
	MaxReplicas provider.Maybe[int]      `json:"max_replicas_allowed"`
}

// Catalogue implements [provider.Provider]: one offer for each GPU type and
// count of each flavor of each model. Nebius tells no prices.
func (c *cloud) Catalogue(ctx context.Context, model string) ([]provider.Offer, error) {
	templates, err := c.templates(ctx)
	if err != nil {
		return nil, err
	}
	var offers []provider.Offer
	for _, t := range templates {
		if model == "" || t.Name.Value == model {
			offers = append(offers, t.offers()...)
		}
	}
	return offers, nil
}

func (c *cloud) templates(ctx context.Context) ([]template, error) {
	var reply provider.Listing[template]
	err := c.rest.Do(ctx, c.call("list templates", http.MethodGet, endpoints+"/templates"), &reply)
	return reply.Items, err
}

// offers lists what a template can be rented as, in a fixed order.
func (t template) offers() []provider.Offer {
	var offers []provider.Offer
	for _, name := range slices.Sorted(maps.Keys(t.Flavors.Value)) {
		gpus := t.Flavors.Value[name].Available.Value.GPUs.Value
		for _, gpu := range slices.Sorted(maps.Keys(gpus)) {
			o := gpus[gpu]
			for _, count := range o.Counts.Value {
				offers = append(offers, provider.Offer{
					Model: t.Name.Value, Flavor: name, GPU: provider.GPU{Type: gpu, Count: count},
					Regions: o.Regions.Value, MaxReplicas: o.MaxReplicas.Value,
				})
			}
		}
	}
	return offers
}

// Check implements [provider.Provider]. It names every problem of the shape at
// once, as far as the catalogue tells: what depends on a word that is not
// offered is compared with everything that the right word could have meant.
func (c *cloud) Check(ctx context.Context, shape provider.Shape) (provider.Offer, error) {
	catalogue, err := c.templates(ctx)
	if err != nil {
		return provider.Offer{}, err
	}
	problems := append(incomplete(shape), unoffered(catalogue, shape)...)
	problems = append(problems, provider.ReadOptions(shape.Options, nil)...)
	if len(problems) == 0 {
		return provider.Offer{Model: shape.Model, Flavor: shape.Flavor, GPU: shape.GPU, Regions: []string{shape.Region}}, nil
	}
	message := provider.Clip(strings.Join(problems, "; "), maxProblems)
	return provider.Offer{}, &provider.Error{Kind: provider.Refused, Op: "nebius: check shape", Message: message}
}

// incomplete names what is wrong with a shape whatever is on offer.
func incomplete(shape provider.Shape) []string {
	var problems []string
	for _, field := range []struct {
		missing bool
		problem string
	}{
		{shape.Model == "", "model is missing"},
		{shape.Flavor == "", "flavor is missing"},
		{shape.GPU.Type == "", "gpu.type is missing"},
		{shape.GPU.Count < 1, "gpu.count must be at least 1"},
		{shape.Region == "", "region is missing"},
		{shape.Replicas.Min < 1, "replicas.min must be at least 1"},
		{shape.Replicas.Max < shape.Replicas.Min, "replicas.max must not be below replicas.min"},
	} {
		if field.missing {
			problems = append(problems, field.problem)
		}
	}
	return problems
}

// unoffered names what the shape asks for and the catalogue does not have.
func unoffered(catalogue []template, shape provider.Shape) []string {
	models := map[string]template{}
	for _, t := range catalogue {
		if t.Name.Value != "" {
			models[t.Name.Value] = t
		}
	}
	model, known := models[shape.Model]
	switch {
	case shape.Model == "":
		return nil
	case !known:
		return []string{provider.NotOneOf("model", shape.Model, slices.Sorted(maps.Keys(models)))}
	}
	flavors, problems := narrow("flavor", shape.Flavor, model.Flavors.Value)
	gpus := map[string][]offer{}
	for _, f := range flavors {
		for gpu, o := range f.Available.Value.GPUs.Value {
			gpus[gpu] = append(gpus[gpu], o)
		}
	}
	offers, more := narrow("gpu.type", shape.GPU.Type, gpus)
	return append(append(problems, more...), beyond(slices.Concat(offers...), shape)...)
}

// narrow returns what key stands for; or, if it is missing or not known, a
// problem and everything there is. Without any known key it finds no problem.
func narrow[T any](what, key string, known map[string]T) (chosen []T, problems []string) {
	if value, ok := known[key]; ok {
		return []T{value}, nil
	}
	if key != "" && len(known) > 0 {
		problems = []string{provider.NotOneOf(what, key, slices.Sorted(maps.Keys(known)))}
	}
	return slices.Collect(maps.Values(known)), problems
}

// beyond names the limits of the offers that the shape does not keep.
func beyond(offers []offer, shape provider.Shape) []string {
	var problems []string
	counts := union(offers, func(o offer) []int { return o.Counts.Value })
	if shape.GPU.Count > 0 && misses(counts, shape.GPU.Count) {
		problems = append(problems, fmt.Sprintf("gpu.count %d is none of %s", shape.GPU.Count, decimals(counts)))
	}
	regions := union(offers, func(o offer) []string { return o.Regions.Value })
	if shape.Region != "" && misses(regions, shape.Region) {
		problems = append(problems, provider.NotOneOf("region", shape.Region, regions))
	}
	limits := union(offers, func(o offer) []int {
		if o.MaxReplicas.Value < 1 {
			return nil
		}
		return []int{o.MaxReplicas.Value}
	})
	if len(limits) > 0 && shape.Replicas.Max > slices.Max(limits) {
		problems = append(problems, fmt.Sprintf("replicas.max must be at most %d", slices.Max(limits)))
	}
	return problems
}

// union is what any of the offers allows, sorted; empty as soon as one of them
// does not tell, since it may allow anything.
func union[T cmp.Ordered](offers []offer, allowed func(offer) []T) []T {
	var all []T
	for _, o := range offers {
		values := allowed(o)
		if len(values) == 0 {
			return nil
		}
		all = append(all, values...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func misses[T comparable](allowed []T, value T) bool {
	return len(allowed) > 0 && !slices.Contains(allowed, value)
}

func decimals(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = strconv.Itoa(number)
	}
	return strings.Join(texts, ", ")
}
