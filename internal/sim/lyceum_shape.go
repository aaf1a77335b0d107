package sim

import "slices"

// lyceumProfiles are the hardware profiles that the documentation names.
var lyceumProfiles = []string{"gpu.a100", "gpu.h100"}

// lyceumPrices are round figures, in US dollars an hour.
var lyceumPrices = map[string]string{"gpu.a100": "2.00", "gpu.h100": "3.50"}

// lyceumText is longer than any model id or token.
const lyceumText = 1000

// lyceumShape is what a create asks for.
type lyceumShape struct {
	model, profile string
	rps, latency   float64 // targets of a replica: requests/s, and p95 in milliseconds
	window         int     // seconds
	replicas       Range
}

// parseLyceumCreate reads a create's body; the reply is for the case that it
// must be refused.
func parseLyceumCreate(body []byte) (lyceumShape, reply, bool) {
	f := parseForm(body)
	shape := lyceumShape{
		model:    f.text("hf_model_id", 1, lyceumText),
		profile:  f.text("hardware_profile", 1, lyceumText),
		rps:      f.decimal("target_rps"),
		latency:  f.decimal("target_latency_p95_ms"),
		window:   f.number("stabilisation_window", 0),
		replicas: Range{1, 1},
	}
	if shape.profile != "" && !slices.Contains(lyceumProfiles, shape.profile) {
		f.report("hardware_profile", "value_error", "Value error, unknown hardware profile", nil)
	}
	if f.has("hf_token") {
		f.text("hf_token", 1, lyceumText)
	}
	if f.has("min_replicas") {
		shape.replicas.Min = f.number("min_replicas", 1)
	}
	if f.has("max_replicas") {
		shape.replicas.Max = f.number("max_replicas", 1)
	}
	if shape.replicas.Max >= 1 && shape.replicas.Max < shape.replicas.Min {
		f.report("max_replicas", "value_error", "Value error, max_replicas must be at least min_replicas", nil)
	}
	refusal, refused := f.refusal()
	return shape, refusal, refused
}

// lyceumBody is an endpoint as Lyceum lists it. Only deployment_id, status and
// the names of create's fields are documented.
type lyceumBody struct {
	DeploymentID    string  `json:"deployment_id"`
	Status          string  `json:"status"`
	Model           string  `json:"hf_model_id"`
	Profile         string  `json:"hardware_profile"`
	TargetRPS       float64 `json:"target_rps"`
	TargetLatency   float64 `json:"target_latency_p95_ms"`
	Window          int     `json:"stabilisation_window"`
	MinReplicas     int     `json:"min_replicas"`
	MaxReplicas     int     `json:"max_replicas"`
	HealthyReplicas int     `json:"healthy_replicas"`
	CreatedAt       string  `json:"created_at"` // without a zone, as users report it of this service
}

func (e *lyceumEndpoint) body(s snapshot) lyceumBody {
	return lyceumBody{
		DeploymentID: e.core.id, Status: e.status(s), Model: e.shape.model, Profile: e.shape.profile,
		TargetRPS: e.shape.rps, TargetLatency: e.shape.latency, Window: e.shape.window,
		MinReplicas: e.shape.replicas.Min, MaxReplicas: e.shape.replicas.Max, HealthyReplicas: s.ready,
		CreatedAt: s.createdAt.Format("2006-01-02T15:04:05.999999"),
	}
}

// lyceumStatus has Lyceum's words for the states of the core: pending and
// paused are documented, the others are those of its other resources.
var lyceumStatus = map[State]string{
	Starting: "pending", Running: "running", Updating: "running",
	Stopping: "stopping", Stopped: "paused", Failed: "failed",
}

// status shows a state that Lyceum has no word for as it is.
func (e *lyceumEndpoint) status(s snapshot) string {
	if e.stopped && !s.listed {
		return "stopped"
	}
	if word, known := lyceumStatus[s.state]; known {
		return word
	}
	return string(s.state)
}
