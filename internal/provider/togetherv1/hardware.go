package togetherv1

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// hardware is a GPU type and a count, as the service offers and prices them
// together.
type hardware struct {
	ID      provider.Maybe[string] `json:"id"`
	Pricing provider.Maybe[struct {
		CentsPerMinute provider.Maybe[float64] `json:"cents_per_minute"`
	}] `json:"pricing"`
	Specs provider.Maybe[struct {
		Type   provider.Maybe[string]  `json:"gpu_type"`
		Link   provider.Maybe[string]  `json:"gpu_link"`
		Memory provider.Maybe[float64] `json:"gpu_memory"` // GB
		Count  provider.Maybe[int]     `json:"gpu_count"`
	}] `json:"specs"`
	Availability provider.Maybe[struct {
		Status provider.Maybe[string] `json:"status"`
	}] `json:"availability"` // only for a model
}

// Catalogue implements [provider.Provider]: one offer for each hardware, with
// its price. What is in stock, the service tells only for a model. There is no
// list of models: for all of them, an offer names none.
func (c *cloud) Catalogue(ctx context.Context, model string) ([]provider.Offer, error) {
	all, err := c.hardware(ctx, model)
	if provider.Absent(err) && model != "" {
		return nil, nil
	}
	offers := make([]provider.Offer, len(all))
	for i := range all {
		offers[i] = all[i].offer(model)
	}
	return offers, err
}

// hardware lists what a model can run on, or all there is if model is empty.
func (c *cloud) hardware(ctx context.Context, model string) ([]hardware, error) {
	call := provider.Call{Op: "list hardware", Method: http.MethodGet, Path: "/v1/hardware"}
	if model != "" {
		call.Query = url.Values{"model": {model}}
	}
	var reply provider.Listing[hardware]
	err := c.rest.Do(ctx, call, &reply)
	return slices.DeleteFunc(reply.Items, func(h hardware) bool { return h.ID.Value == "" }), err
}

func (h *hardware) offer(model string) provider.Offer {
	specs := h.Specs.Value
	gpu := gpuOf(h.ID.Value)
	if specs.Count.Value > 0 {
		gpu.Count = specs.Count.Value
	}
	if hardwareID(gpu) != h.ID.Value {
		gpu.Type = h.ID.Value // a word that is not its count and type stands for itself
	}
	offer := provider.Offer{Model: model, GPU: gpu, Stock: stock(h.Availability.Value.Status.Value)}
	// Rounded, since 6.65 cents times 60 is not 3.99 dollars in binary.
	if cents := h.Pricing.Value.CentsPerMinute.Value; cents > 0 {
		offer.Price = provider.Price{PerHour: math.Round(cents*60*100) / 10_000, Currency: "USD"}
	}
	if specs.Type.Value != "" {
		offer.Detail = fmt.Sprintf("%d x %s, %v GB, %s", gpu.Count, specs.Type.Value, specs.Memory.Value, specs.Link.Value)
		offer.Detail = provider.Clip(offer.Detail, maxDetail)
	}
	return offer
}

func stock(status string) provider.Stock {
	switch status {
	case "available":
		return provider.Available
	case "unavailable", "insufficient":
		return provider.SoldOut
	}
	return provider.NotTold
}

// counted is hardware whose word begins with how many GPUs it has.
var counted = regexp.MustCompile(`^([1-9][0-9]{0,3})x_(.+)$`)

// hardwareID is the service's word for the GPUs of a replica.
func hardwareID(gpu provider.GPU) string {
	if gpu.Count < 1 || counted.MatchString(gpu.Type) {
		return gpu.Type
	}
	return fmt.Sprintf("%dx_%s", gpu.Count, gpu.Type)
}

// gpuOf is the other way round.
func gpuOf(id string) provider.GPU {
	parts := counted.FindStringSubmatch(id)
	if parts == nil {
		return provider.GPU{Type: id}
	}
	count, _ := strconv.Atoi(parts[1]) // one to four digits
	return provider.GPU{Type: parts[2], Count: count}
}
