package sim

import (
	"net/http"
	"slices"
	"time"
)

// Hardware is a GPU type and a count that Together rents out as one, in the
// shape of its version 1.
type Hardware struct {
	ID      string          `json:"id"` // "hardware" of a create
	Pricing HardwarePricing `json:"pricing"`
	Specs   HardwareSpecs   `json:"specs"`

	Models []string `json:"-"` // that run on it
	Status string   `json:"-"` // available, unavailable, insufficient; "" is available
}

// HardwarePricing is the price of the whole, not of one GPU.
type HardwarePricing struct {
	CentsPerMinute float64 `json:"cents_per_minute"`
}

// HardwareSpecs describes the GPUs.
type HardwareSpecs struct {
	GPUType   string  `json:"gpu_type"`
	GPULink   string  `json:"gpu_link"`
	GPUMemory float64 `json:"gpu_memory"` // GB
	GPUCount  int     `json:"gpu_count"`
}

// DefaultHardware returns hardware at the prices of October 2026: 3.99, 5.49
// and 9.95 USD an hour for each H100, H200 and B200. Which model goes with
// which, and what is left, is made up.
func DefaultHardware() []Hardware {
	small := []string{"openai/gpt-oss-20b", "openai/gpt-oss-120b", "Qwen/Qwen3-Embedding-8B"}
	large := []string{"openai/gpt-oss-120b", "Qwen/Qwen3-235B-A22B-Instruct-2507"}
	return []Hardware{
		{"1x_nvidia_h100_80gb_sxm", HardwarePricing{6.65}, HardwareSpecs{"h100-80gb", "sxm", 80, 1}, small, ""},
		{"2x_nvidia_h100_80gb_sxm", HardwarePricing{13.3}, HardwareSpecs{"h100-80gb", "sxm", 80, 2}, small, ""},
		{"8x_nvidia_h100_80gb_sxm", HardwarePricing{53.2}, HardwareSpecs{"h100-80gb", "sxm", 80, 8}, large, "insufficient"},
		{"4x_nvidia_h200_140gb_sxm", HardwarePricing{36.6}, HardwareSpecs{"h200-140gb", "sxm", 140, 4}, large, ""},
		{"8x_nvidia_b200_180gb_sxm", HardwarePricing{132.66}, HardwareSpecs{"b200-180gb", "sxm", 180, 8}, large, "unavailable"},
	}
}

// hardwareBody is hardware as Together shows it: availability only where a
// model is named.
type hardwareBody struct {
	Object string `json:"object"`
	Hardware
	UpdatedAt    time.Time             `json:"updated_at"`
	Availability *hardwareAvailability `json:"availability,omitempty"`
}

type hardwareAvailability struct {
	Status string `json:"status"`
}

// hardware lists what a model runs on, or all there is. What the service says
// to a model that it does not know is not documented but for the status.
func (v *togetherV1) hardware(x *call) reply {
	model := x.r.URL.Query().Get("model")
	data := []hardwareBody{}
	for _, h := range v.options.Hardware {
		body := hardwareBody{Object: "hardware", Hardware: h, UpdatedAt: time.Unix(created, 0).UTC()}
		if model != "" {
			body.Availability = &hardwareAvailability{Status: h.Status}
			if h.Status == "" {
				body.Availability.Status = "available"
			}
		}
		if model == "" || slices.Contains(h.Models, model) {
			data = append(data, body)
		}
	}
	if len(data) == 0 && model != "" {
		return openAIError(http.StatusNotFound, "Model not found: "+model, "not_found", "model", "")
	}
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": data})
}

func (*togetherV1) zones(*call) reply {
	return jsonReply(http.StatusOK, map[string]any{"avzones": togetherV1Zones})
}
