package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What Nebius's schema allows; the catalogue narrows it.
var (
	nebiusGPUTypes = []string{
		"gpu-l40s-d", "gpu-l40s-a", "gpu-h100-sxm", "gpu-h200-sxm", "gpu-b200-sxm", "gpu-b200-sxm-a", "gpu-b300-sxm",
	}
	nebiusRegions = []string{
		"eu-north1", "eu-west1", "us-central1", "me-west1", "uk-south1", "tf-us1", "tf-us2", "tf-ca1",
	}
)

const (
	nebiusNameLimit        = 100
	nebiusDescriptionLimit = 500
	nebiusWeightsPrefix    = "model-artifact_"
	nebiusWeightsUnset     = "UNSET"
)

// nebiusShape is what a create asks for, or what an update leads to.
type nebiusShape struct {
	name, description     string
	model, flavor, region string
	gpuType               string
	gpuCount              int
	replicas              Range
	weights               *string
}

// parseCreate reads a create's body; the reply is for the case that it must be
// refused.
func (n *nebius) parseCreate(body []byte) (nebiusShape, reply, bool) {
	f := parseForm(body)
	shape := nebiusShape{
		name:     f.text("name", 1, nebiusNameLimit),
		model:    f.text("model_name", 1, nebiusNameLimit),
		flavor:   f.text("flavor_name", 1, nebiusNameLimit),
		region:   f.oneOf("region", nebiusRegions),
		gpuType:  f.oneOf("gpu_type", nebiusGPUTypes),
		gpuCount: f.number("gpu_count", 0),
	}
	shape.readScaling(f)
	shape.readOptional(f)
	if len(*f.problems) == 0 {
		n.checkCatalogue(f, shape)
	}
	refusal, refused := f.refusal()
	return shape, refusal, refused
}

// parseUpdate reads an update's body: what it leaves out stays as it is.
func (n *nebius) parseUpdate(body []byte, e nebiusEndpoint) (shape nebiusShape, enabled bool, refusal reply, refused bool) {
	f := parseForm(body)
	shape, enabled = e.shape, e.enabled
	if f.has("name") {
		shape.name = f.text("name", 1, nebiusNameLimit)
	}
	if f.has("gpu_type") {
		shape.gpuType = f.oneOf("gpu_type", nebiusGPUTypes)
	}
	if f.has("gpu_count") {
		shape.gpuCount = f.number("gpu_count", 0)
	}
	if f.has("scaling") {
		shape.readScaling(f)
	}
	if f.has("enabled") {
		enabled = f.boolean("enabled")
	}
	shape.readOptional(f)
	if len(*f.problems) == 0 {
		n.checkCatalogue(f, shape)
	}
	refusal, refused = f.refusal()
	return shape, enabled, refusal, refused
}

// readScaling reads the bounds. That at least one replica is demanded was
// reported by users; the schema does not say.
func (s *nebiusShape) readScaling(f form) {
	scaling := f.object("scaling")
	s.replicas = Range{scaling.number("min_replicas", 1), scaling.number("max_replicas", 1)}
	if s.replicas.Max >= 1 && s.replicas.Max < s.replicas.Min {
		scaling.report("max_replicas", "value_error", "Value error, max_replicas must be at least min_replicas", nil)
	}
}

// readOptional reads what both create and update may leave out.
func (s *nebiusShape) readOptional(f form) {
	if f.has("description") {
		s.description = f.text("description", 0, nebiusDescriptionLimit)
	}
	if !f.has("custom_weights_id") {
		return
	}
	switch id := f.text("custom_weights_id", 1, nebiusNameLimit); {
	case id == nebiusWeightsUnset:
		s.weights = nil
	case strings.HasPrefix(id, nebiusWeightsPrefix):
		s.weights = &id
	default:
		f.report("custom_weights_id", "value_error", "Value error, must start with "+nebiusWeightsPrefix, nil)
	}
}

// checkCatalogue reports the first thing that the catalogue does not offer;
// what comes after depends on it.
func (n *nebius) checkCatalogue(f form, s nebiusShape) {
	refuse := func(name, format string, args ...any) {
		f.report(name, "value_error", "Value error, "+fmt.Sprintf(format, args...), nil)
	}
	at := slices.IndexFunc(n.options.Templates, func(t Template) bool { return t.Name == s.model })
	if at < 0 {
		refuse("model_name", "there is no template for model %s", s.model)
		return
	}
	flavor, offered := n.options.Templates[at].Flavors[s.flavor]
	if !offered {
		refuse("flavor_name", "flavor must be one of %s", sortedKeys(n.options.Templates[at].Flavors))
		return
	}
	configurations := flavor.AvailableConfigurations.GPUConfigurations
	gpu, offered := configurations[s.gpuType]
	if !offered {
		refuse("gpu_type", "gpu_type must be one of %s", sortedKeys(configurations))
		return
	}
	if !slices.Contains(gpu.AllowedRegions, s.region) {
		refuse("region", "region must be one of %v", gpu.AllowedRegions)
	}
	if !slices.Contains(gpu.AllowedGPUCounts, s.gpuCount) {
		refuse("gpu_count", "gpu_count must be one of %v", gpu.AllowedGPUCounts)
	}
	if s.replicas.Max > gpu.MaxReplicasAllowed {
		scaling := form{fields: f.fields, loc: append(slices.Clone(f.loc), "scaling"), problems: f.problems}
		scaling.report("max_replicas", "value_error",
			fmt.Sprintf("Value error, max_replicas must be at most %d", gpu.MaxReplicasAllowed), nil)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
