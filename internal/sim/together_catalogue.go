package sim

import (
	"net/http"
	"strings"
)

// SupportedModel is a model that Together rents out, in the shape of its
// catalogue.
type SupportedModel struct {
	ID                 string              `json:"id"`
	Name               string              `json:"name"`
	DisplayName        string              `json:"displayName"`
	Products           []string            `json:"products"`
	DeploymentProfiles []DeploymentProfile `json:"deploymentProfiles"`
}

// DeploymentProfile is one certified way to run a model. Model and Config are
// what a deployment is created with, word for word.
type DeploymentProfile struct {
	ProfileID    string `json:"profileId"`
	Model        string `json:"model"`
	Config       string `json:"config"`
	GPUType      string `json:"gpuType"`
	GPUCount     int    `json:"gpuCount"` // of one replica
	Parallelism  string `json:"parallelism"`
	Quantization string `json:"quantization"`
}

// InstanceType is the hardware of one replica, in the shape of Together's list.
type InstanceType struct {
	ID                string           `json:"id"`
	Name              string           `json:"name"`
	Description       string           `json:"description"`
	GPUType           string           `json:"gpuType"`
	GPUCount          int              `json:"gpuCount"`
	GPUMemoryGiB      int              `json:"gpuMemoryGib"`
	PriceCentsPerHour int              `json:"priceCentsPerHour"` // of the whole instance
	Regions           []InstanceRegion `json:"regions"`
}

// InstanceRegion is where an instance type can be had, and how many are left.
type InstanceRegion struct {
	Name     string   `json:"name"`
	Headroom Headroom `json:"headroom"`
}

// Headroom is how many more replicas fit: Value of them, or at least as many.
type Headroom struct {
	Relation string `json:"relation"` // RELATION_EQ, RELATION_GTE
	Value    int    `json:"value"`
}

const (
	togetherDedicated = "PRODUCT_DEDICATED"
	headroomExactly   = "RELATION_EQ"
	headroomAtLeast   = "RELATION_GTE"
)

// togetherModels is the catalogue. Profiles name a GPU by another word than
// instance types do, as was reported of the service. Which model goes with
// which hardware is made up.
var togetherModels = []SupportedModel{
	supportedModel("openai/gpt-oss-120b",
		profile("gpt-oss-120b-h100", "NVIDIA-H100", 1, "MXFP4"),
		profile("gpt-oss-120b-h100-tp8", "NVIDIA-H100", 8, "MXFP4"),
		profile("gpt-oss-120b-b200", "NVIDIA-B200", 1, "MXFP4"),
	),
	supportedModel("openai/gpt-oss-20b", profile("gpt-oss-20b-h100", "NVIDIA-H100", 1, "MXFP4")),
	supportedModel("Qwen/Qwen3-235B-A22B-Instruct-2507",
		profile("qwen3-235b-bf16", "NVIDIA-H100", 8, "BF16"),
		profile("qwen3-235b-fp8", "NVIDIA-H100", 8, "FP8"),
	),
	{ID: "arch_whisper", Name: "openai/whisper-large-v3", DisplayName: "Whisper", Products: []string{"PRODUCT_SERVERLESS"}},
}

var togetherInstances = []InstanceType{
	{"1xnvidia-h100-80gb", "1x NVIDIA H100 80GB", "H100", "h100-80gb", 1, 80, 549, []InstanceRegion{
		{"us-central-8", Headroom{headroomAtLeast, 8}}, {"eu-north-2", Headroom{headroomExactly, 1}},
	}},
	{"8xnvidia-h100-80gb", "8x NVIDIA H100 80GB", "H100", "h100-80gb", 8, 80, 4392, []InstanceRegion{
		{"us-central-8", Headroom{headroomExactly, 2}},
	}},
	{"1xnvidia-b200-180gb", "1x NVIDIA B200 180GB", "B200", "b200-180gb", 1, 180, 899, []InstanceRegion{
		{"us-central-8", Headroom{headroomExactly, 0}},
	}},
}

func supportedModel(name string, profiles ...DeploymentProfile) SupportedModel {
	_, short, _ := strings.Cut(name, "/")
	for i := range profiles {
		profiles[i].Model = "projects/proj_weights/models/ml_" + short + "/revisions/rv_1"
	}
	return SupportedModel{
		ID: "arch_" + short, Name: name, DisplayName: short, DeploymentProfiles: profiles,
		Products: []string{togetherDedicated},
	}
}

func profile(id, gpu string, gpus int, quantization string) DeploymentProfile {
	return DeploymentProfile{
		ProfileID: id, Config: "projects/proj_configs/configs/cr_" + id,
		GPUType: gpu, GPUCount: gpus, Parallelism: "TP", Quantization: quantization,
	}
}

func (t *together) supportedModels(x *call) reply {
	query := x.r.URL.Query()
	var models []SupportedModel
	for _, m := range togetherModels {
		product := query.Get("product")
		if product != "" && product != m.Products[0] || !strings.Contains(strings.ToLower(m.Name), strings.ToLower(query.Get("search"))) {
			continue
		}
		models = append(models, m)
	}
	return togetherPage(x, models, func(m SupportedModel) string { return m.ID })
}

func (t *together) instanceTypes(*call) reply {
	return jsonReply(http.StatusOK, map[string]any{"object": "list", "data": togetherInstances})
}

// certified returns the profile with that model and config, and the hardware
// that it runs on, or nil.
func certified(model, config string) (*DeploymentProfile, InstanceType) {
	for _, m := range togetherModels {
		for i, p := range m.DeploymentProfiles {
			if p.Model != model || p.Config != config {
				continue
			}
			for _, instance := range togetherInstances {
				word, _, _ := strings.Cut(instance.GPUType, "-")
				if instance.GPUCount == p.GPUCount && strings.EqualFold("NVIDIA-"+word, p.GPUType) {
					return &m.DeploymentProfiles[i], instance
				}
			}
		}
	}
	return nil, InstanceType{}
}
