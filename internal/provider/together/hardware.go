package together

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// instance is the hardware of one replica.
type instance struct {
	GPUType  provider.Maybe[string]   `json:"gpuType"`
	GPUCount provider.Maybe[int]      `json:"gpuCount"`
	Cents    provider.Maybe[float64]  `json:"priceCentsPerHour"` // of the whole instance
	Regions  provider.Maybe[[]region] `json:"regions"`
}

type region struct {
	Name     provider.Maybe[string] `json:"name"`
	Headroom provider.Maybe[struct {
		Relation provider.Maybe[string] `json:"relation"` // RELATION_EQ, RELATION_GTE
		Value    provider.Maybe[int]    `json:"value"`    // replicas that would fit now
	}] `json:"headroom"`
}

// instances lists the hardware. It has no pages.
func (c *cloud) instances(ctx context.Context, op string) ([]instance, error) {
	var p page[instance]
	call := provider.Call{Op: op + ": list instance types", Method: http.MethodGet, Path: "/v2/public/inference-instance-types"}
	err := c.rest.Do(ctx, call, &p)
	return p.Items, err
}

// fitting returns the hardware that a profile runs on. The two name GPUs in
// different words, such as NVIDIA-H100 and h100-80gb, so that one must have all
// the words of the other.
func fitting(instances []instance, p *profile) []instance {
	var fit []instance
	for _, i := range instances {
		if i.GPUCount.Value == p.GPUCount.Value && sameGPU(i.GPUType.Value, p.GPUType.Value) {
			fit = append(fit, i)
		}
	}
	return fit
}

func sameGPU(a, b string) bool {
	aWords, bWords := gpuWords(a), gpuWords(b)
	return len(aWords) > 0 && len(bWords) > 0 && (within(aWords, bWords) || within(bWords, aWords))
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(word string) bool { return !slices.Contains(all, word) })
}

func gpuWords(kind string) []string {
	split := strings.FieldsFunc(strings.ToLower(kind), func(r rune) bool { return strings.ContainsRune("-_ /", r) })
	return slices.DeleteFunc(split, func(word string) bool { return word == "nvidia" })
}

// offerOf describes a profile on the hardware that it fits, in one region or, if
// that is empty, in all of them.
func offerOf(model string, p *profile, fit []instance, in string) provider.Offer {
	free, stock := headroom(fit, in)
	return provider.Offer{
		Model: model, Flavor: p.ID.Value, GPU: p.gpu(), Regions: regionsOf(fit), Price: priceOf(fit), Stock: stock,
		Detail: provider.Clip(strings.Join(append(p.words(), free...), ", "), maxDetail),
	}
}

// priceOf is what one replica costs, unless the profile fits hardware of
// different prices.
func priceOf(fit []instance) provider.Price {
	if len(fit) == 0 || fit[0].Cents.Value <= 0 {
		return provider.Price{}
	}
	for _, i := range fit {
		if i.Cents.Value != fit[0].Cents.Value {
			return provider.Price{}
		}
	}
	return provider.Price{PerHour: fit[0].Cents.Value / 100, Currency: "USD"}
}

func regionsOf(fit []instance) []string {
	var regions []region
	for _, i := range fit {
		regions = append(regions, i.Regions.Value...)
	}
	return words(regions, func(r *region) string { return r.Name.Value })
}

// headroom tells how many more replicas fit, region by region. All is sold out
// only if every region says that exactly none is left.
func headroom(fit []instance, in string) (free []string, stock provider.Stock) {
	told, none := 0, 0
	for _, i := range fit {
		for _, r := range i.Regions.Value {
			room := r.Headroom.Value
			if in != "" && r.Name.Value != in || !room.Value.Known {
				continue
			}
			told++
			least, exactly := "", room.Relation.Value == "RELATION_EQ"
			switch {
			case !exactly:
				least = "at least "
			case room.Value.Value == 0:
				none++
			}
			if room.Value.Value > 0 {
				stock = provider.Available
			}
			free = append(free, fmt.Sprintf("%s: %s%d free", r.Name.Value, least, room.Value.Value))
		}
	}
	if told > 0 && none == told {
		stock = provider.SoldOut
	}
	return free, stock
}
