package together

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// maxProblems bounds the text about a shape, in bytes: a few problems with a
// dozen names each.
const maxProblems = 4000

// model is a model on offer, and profile one certified way to run it.
type model struct {
	Name     provider.Maybe[string]    `json:"name"`
	Profiles provider.Maybe[[]profile] `json:"deploymentProfiles"`
}

type profile struct {
	ID           provider.Maybe[string] `json:"profileId"`
	Model        provider.Maybe[string] `json:"model"`  // resource name
	Config       provider.Maybe[string] `json:"config"` // resource name
	GPUType      provider.Maybe[string] `json:"gpuType"`
	GPUCount     provider.Maybe[int]    `json:"gpuCount"` // of one replica
	Parallelism  provider.Maybe[string] `json:"parallelism"`
	Quantization provider.Maybe[string] `json:"quantization"`
}

func (p *profile) gpu() provider.GPU {
	return provider.GPU{Type: p.GPUType.Value, Count: p.GPUCount.Value}
}

// String is how refusals name a profile.
func (p *profile) String() string {
	words := []string{fmt.Sprintf("%d x %s", p.GPUCount.Value, p.GPUType.Value)}
	return fmt.Sprintf("%s (%s)", p.ID.Value, strings.Join(append(words, p.words()...), ", "))
}

func (p *profile) words() []string {
	return slices.DeleteFunc([]string{p.Quantization.Value, p.Parallelism.Value}, func(word string) bool { return word == "" })
}

// Catalogue implements [provider.Provider]: one offer for each profile of each
// model, with the price and headroom of the hardware that it runs on.
func (c *cloud) Catalogue(ctx context.Context, name string) ([]provider.Offer, error) {
	const op = "list offers"
	models, err := c.models(ctx, op)
	if err != nil {
		return nil, err
	}
	instances, err := c.instances(ctx, op)
	if err != nil {
		return nil, err
	}
	var offers []provider.Offer
	for _, m := range models {
		if name != "" && m.Name.Value != name {
			continue
		}
		for i := range m.Profiles.Value {
			p := &m.Profiles.Value[i]
			offers = append(offers, offerOf(m.Name.Value, p, fitting(instances, p), ""))
		}
	}
	return offers, nil
}

func (c *cloud) models(ctx context.Context, op string) ([]model, error) {
	op += ": list models"
	return all(op, url.Values{"product": {"PRODUCT_DEDICATED"}}, func(query url.Values, p *page[model]) error {
		return c.rest.Do(ctx, provider.Call{Op: op, Method: http.MethodGet, Path: "/v2/supported-models", Query: query}, p)
	})
}

// Check implements [provider.Provider]. The flavor is a profile's id. It may be
// left out when gpu.type and gpu.count leave one profile. With a flavor, a
// gpu.type left out and a gpu.count of 1, which is what a job has unless it says
// otherwise, are taken from the profile. The shape of an endpoint that runs, as
// Describe has read it, comes to the profile with its config.
func (c *cloud) Check(ctx context.Context, shape provider.Shape) (provider.Offer, error) {
	const op = "check shape"
	models, err := c.models(ctx, op)
	if err != nil {
		return provider.Offer{}, err
	}
	instances, err := c.instances(ctx, op)
	if err != nil {
		return provider.Offer{}, err
	}
	if name, p := byConfig(models, shape); p != nil {
		return offerOf(name, p, fitting(instances, p), shape.Region), nil
	}
	p, problems := judge(models, shape)
	var fit []instance
	if p != nil {
		fit = fitting(instances, p)
		if regions := regionsOf(fit); shape.Region != "" && len(regions) > 0 && !slices.Contains(regions, shape.Region) {
			problems = append(problems, provider.NotOneOf("region", shape.Region, regions))
		}
	}
	if len(problems) > 0 {
		return provider.Offer{}, refusedFor(op, problems)
	}
	return offerOf(shape.Model, p, fit, shape.Region), nil
}

// byConfig finds the profile whose config a shape has as its flavor, and its
// model's name.
func byConfig(models []model, shape provider.Shape) (string, *profile) {
	for _, m := range models {
		for i := range m.Profiles.Value {
			p := &m.Profiles.Value[i]
			if shape.Model == "" && p.Config.Value != "" && p.Config.Value == shape.Flavor {
				return m.Name.Value, p
			}
		}
	}
	return "", nil
}

// choose returns the profile that a shape comes to.
func (c *cloud) choose(ctx context.Context, op string, shape provider.Shape) (*profile, options, error) {
	models, err := c.models(ctx, op)
	if err != nil {
		return nil, options{}, err
	}
	p, problems := judge(models, shape)
	if len(problems) > 0 {
		return nil, options{}, refusedFor(op, problems)
	}
	o, _ := readOptions(shape) // judge has found nothing wrong with them
	return p, o, nil
}

func refusedFor(op string, problems []string) error {
	return refused(op, provider.Clip(strings.Join(problems, "; "), maxProblems))
}

// judge returns the one profile that the shape comes to, or everything that is
// wrong with it.
func judge(models []model, shape provider.Shape) (*profile, []string) {
	problems := incomplete(shape)
	p, more := narrow(models, shape)
	problems = append(problems, more...)
	_, more = readOptions(shape)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

// incomplete names what is wrong with a shape whatever is on offer.
func incomplete(shape provider.Shape) []string {
	var problems []string
	for _, field := range []struct {
		wrong   bool
		problem string
	}{
		{shape.Model == "", "model is missing"},
		{shape.GPU.Count < 0, "gpu.count must not be negative"},
		{shape.Replicas.Min < 1, "replicas.min must be at least 1"},
		{shape.Replicas.Max < shape.Replicas.Min, "replicas.max must not be below replicas.min"},
	} {
		if field.wrong {
			problems = append(problems, field.problem)
		}
	}
	return problems
}

// narrow finds the profile that the shape means. Where several remain it never
// guesses between them.
func narrow(models []model, shape provider.Shape) (*profile, []string) {
	if shape.Model == "" {
		return nil, nil
	}
	at := slices.IndexFunc(models, func(m model) bool { return m.Name.Value == shape.Model })
	if at < 0 {
		return nil, []string{provider.NotOneOf("model", shape.Model, words(models, func(m *model) string { return m.Name.Value }))}
	}
	left, problems := models[at].Profiles.Value, []string(nil)
	keep := func(what, wanted string, word func(*profile) string) {
		if found := having(left, wanted, word); len(found) > 0 {
			left = found
		} else {
			problems = append(problems, provider.NotOneOf(what, wanted, words(left, word)))
		}
	}
	if shape.Flavor != "" {
		keep("flavor", shape.Flavor, func(p *profile) string { return p.ID.Value })
	}
	if shape.GPU.Type != "" {
		keep("gpu.type", shape.GPU.Type, func(p *profile) string { return p.GPUType.Value })
	}
	if n := shape.GPU.Count; n > 1 || n == 1 && shape.Flavor == "" {
		count := func(p *profile) string { return strconv.Itoa(p.GPUCount.Value) }
		found := having(left, strconv.Itoa(n), count)
		if len(found) == 0 {
			problems = append(problems, fmt.Sprintf("gpu.count %d is none of %s", n, strings.Join(words(left, count), ", ")))
		}
		left = found
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return only(shape.Model, left)
}

// only returns the profile if it is the only one that is left.
func only(model string, left []profile) (*profile, []string) {
	switch {
	case len(left) == 0:
		return nil, []string{fmt.Sprintf("model %q has no deployment profile", model)}
	case len(left) > 1:
		names := make([]string, len(left))
		for i := range left {
			names[i] = left[i].String()
		}
		return nil, []string{"flavor is missing, and several fit: " + strings.Join(names, ", ")}
	case left[0].Model.Value == "" || left[0].Config.Value == "":
		return nil, []string{fmt.Sprintf("flavor %q cannot be deployed: it tells no model and config", left[0].ID.Value)}
	}
	return &left[0], nil
}

func having(profiles []profile, wanted string, word func(*profile) string) []profile {
	var found []profile
	for i := range profiles {
		if strings.EqualFold(word(&profiles[i]), wanted) {
			found = append(found, profiles[i])
		}
	}
	return found
}

// words are the different words of the items, sorted.
func words[T any](items []T, word func(*T) string) []string {
	var all []string
	for i := range items {
		if w := word(&items[i]); w != "" {
			all = append(all, w)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
