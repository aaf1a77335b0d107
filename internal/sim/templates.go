package sim

import "strings"

// Template is a model that Nebius rents out, in the shape of its catalogue.
type Template struct {
	Name     string            `json:"name"` // "model_name" of a create
	Type     string            `json:"type"` // text2text, embedding
	Metadata TemplateMetadata  `json:"metadata"`
	Flavors  map[string]Flavor `json:"flavors"`
}

// TemplateMetadata describes a model to people.
type TemplateMetadata struct {
	Vendor         string          `json:"vendor"`
	ContextWindowK int             `json:"context_window_k"` // thousands of tokens
	SizeB          float64         `json:"size_b"`           // billions of parameters
	HuggingFaceURL string          `json:"huggingface_url"`
	License        TemplateLicense `json:"license"`
}

// TemplateLicense is a model's licence.
type TemplateLicense struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Flavor is one way to run a model.
type Flavor struct {
	Quantization            string                  `json:"quantization"`
	UseCases                []string                `json:"use_cases"`
	Tags                    []string                `json:"tags"`
	BaseModelSlug           string                  `json:"base_model_slug"`
	AvailableConfigurations AvailableConfigurations `json:"available_configurations"`
}

// AvailableConfigurations is the hardware that a flavor can be rented on.
type AvailableConfigurations struct {
	GPUConfigurations map[string]GPUConfiguration `json:"gpu_configurations"` // by gpu_type
}

// GPUConfiguration is what a create may ask for with one GPU type.
type GPUConfiguration struct {
	AllowedRegions     []string `json:"allowed_regions"`
	AllowedGPUCounts   []int    `json:"allowed_gpu_counts"`
	MaxReplicasAllowed int      `json:"max_replicas_allowed"`
}

// DefaultTemplates returns a catalogue of four models with the GPU types and
// regions that Nebius documents. Which model goes with which hardware is made
// up.
func DefaultTemplates() []Template {
	h100 := GPUConfiguration{[]string{"eu-north1", "eu-west1"}, []int{1, 2, 4, 8}, 16}
	h200 := GPUConfiguration{[]string{"eu-north1", "us-central1"}, []int{1, 2, 4, 8}, 16}
	b200 := GPUConfiguration{[]string{"us-central1"}, []int{8}, 8}
	l40s := GPUConfiguration{[]string{"eu-north1"}, []int{1, 2}, 8}

	return []Template{
		template("openai/gpt-oss-120b", "text2text", 131, 117, map[string]map[string]GPUConfiguration{
			"base": {"gpu-h100-sxm": h100, "gpu-h200-sxm": h200},
			"fast": {"gpu-h200-sxm": h200, "gpu-b200-sxm": b200},
		}),
		template("openai/gpt-oss-20b", "text2text", 131, 21, map[string]map[string]GPUConfiguration{
			"base": {"gpu-l40s-d": l40s, "gpu-l40s-a": l40s, "gpu-h100-sxm": h100},
			"fast": {"gpu-h100-sxm": h100, "gpu-h200-sxm": h200},
		}),
		template("Qwen/Qwen3-235B-A22B-Instruct-2507", "text2text", 262, 235, map[string]map[string]GPUConfiguration{
			"base": {"gpu-h200-sxm": h200, "gpu-b200-sxm": b200},
			"fast": {"gpu-b200-sxm": b200},
		}),
		template("Qwen/Qwen3-Embedding-8B", "embedding", 32, 8, map[string]map[string]GPUConfiguration{
			"base": {"gpu-l40s-d": l40s, "gpu-h100-sxm": h100},
		}),
	}
}

func template(name, kind string, contextK int, sizeB float64, flavors map[string]map[string]GPUConfiguration) Template {
	vendor, _, _ := strings.Cut(name, "/")
	t := Template{
		Name: name,
		Type: kind,
		Metadata: TemplateMetadata{
			Vendor:         vendor,
			ContextWindowK: contextK,
			SizeB:          sizeB,
			HuggingFaceURL: "https://huggingface.co/" + name,
			License:        TemplateLicense{"Apache 2.0", "https://www.apache.org/licenses/LICENSE-2.0"},
		},
		Flavors: map[string]Flavor{},
	}
	for flavor, configurations := range flavors {
		t.Flavors[flavor] = Flavor{
			Quantization:            map[string]string{"base": "bf16", "fast": "fp8"}[flavor],
			UseCases:                []string{"batch"},
			Tags:                    []string{},
			BaseModelSlug:           name,
			AvailableConfigurations: AvailableConfigurations{configurations},
		}
	}
	return t
}
