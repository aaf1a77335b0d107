package jobs

import (
	"fmt"
	"time"
)

// Spec is a job as its file says it.
type Spec struct {
	// Name is what people call the job: lower-case letters, digits and dashes,
	// at most 40. The default is the job file's name without its ending.
	Name string `yaml:"name" json:"name"`

	// Input names the requests: JSONL in the OpenAI Batch format, one object
	// URL or a list of them, read in the order given. s3:// and file://.
	Input URLs `yaml:"input" json:"input"`

	// Output is the prefix below which results, manifest and report go.
	Output string `yaml:"output" json:"output"`

	Endpoint Endpoint `yaml:"endpoint" json:"endpoint"`
	Limits   Limits   `yaml:"limits" json:"limits"`
	Requests Requests `yaml:"requests" json:"requests"`
}

// Endpoint is the endpoint to rent, in the provider's own words.
type Endpoint struct {
	Provider string   `yaml:"provider" json:"provider"`
	Model    string   `yaml:"model" json:"model"`
	Flavor   string   `yaml:"flavor" json:"flavor,omitempty"`
	GPU      GPU      `yaml:"gpu" json:"gpu"`
	Region   string   `yaml:"region" json:"region,omitempty"`
	Replicas Replicas `yaml:"replicas" json:"replicas"`

	// Release says what happens to the endpoint when the job is over.
	Release Release `yaml:"release" json:"release"`

	// PricePerGPUHour is what one GPU costs for one hour, where the provider
	// does not tell. Without it the report calls the cost unknown.
	PricePerGPUHour Money `yaml:"price_per_gpu_hour" json:"price_per_gpu_hour,omitzero"`

	// ControlURL and InferenceURL replace the provider's own addresses, for a
	// private gateway or a stand-in. The provider's token is sent there.
	ControlURL   string `yaml:"control_url" json:"control_url,omitempty"`
	InferenceURL string `yaml:"inference_url" json:"inference_url,omitempty"`
}

// GPU is the accelerator of one replica.
type GPU struct {
	Type  string `yaml:"type" json:"type"`
	Count int    `yaml:"count" json:"count"`
}

// Replicas bounds the provider's autoscaling.
type Replicas struct {
	Min int `yaml:"min" json:"min"`
	Max int `yaml:"max" json:"max"`
}

// Release is a release policy.
type Release string

// The release policies.
const (
	ReleaseDelete  Release = "delete"  // nothing is left of the endpoint
	ReleaseDisable Release = "disable" // GPUs go back, the configuration stays
)

// Limits ends a job that takes longer than it is worth.
type Limits struct {
	// Deadline counts from submission. When it passes, nothing more is sent,
	// the endpoint is released, and what never ran becomes batch_expired.
	Deadline Duration `yaml:"deadline" json:"deadline"`

	// Warmup bounds the time from asking for the endpoint to its first answer.
	Warmup Duration `yaml:"warmup" json:"warmup"`
}

// Requests says how single requests are sent.
type Requests struct {
	// Concurrency is how many requests are in flight at once from one worker;
	// 0, written "auto", seeks what keeps the endpoint saturated.
	Concurrency Concurrency `yaml:"concurrency" json:"concurrency"`

	// Timeout bounds one attempt, from sending to the last byte of the answer.
	Timeout Duration `yaml:"timeout" json:"timeout"`

	// Attempts bounds how often one request is sent. A 429 or 503 that asks
	// for patience is not counted.
	Attempts int `yaml:"attempts" json:"attempts"`
}

// Defaults for what a job file leaves out. The warm-up limit is twice the
// longest start-up the providers document (15 minutes).
const (
	DefaultDeadline = 24 * time.Hour
	DefaultWarmup   = 30 * time.Minute
	DefaultTimeout  = 10 * time.Minute
	DefaultAttempts = 6
)

// WithDefaults returns the spec with every field that was left out filled in.
func (s Spec) WithDefaults() Spec {
	fill(&s.Endpoint.Release, ReleaseDelete)
	fill(&s.Endpoint.GPU.Count, 1)
	fill(&s.Endpoint.Replicas.Min, 1)
	fill(&s.Endpoint.Replicas.Max, s.Endpoint.Replicas.Min)
	fill(&s.Limits.Deadline, Duration(DefaultDeadline))
	fill(&s.Limits.Warmup, Duration(DefaultWarmup))
	fill(&s.Requests.Timeout, Duration(DefaultTimeout))
	fill(&s.Requests.Attempts, DefaultAttempts)
	return s
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// String describes the shape in a few words:
// "openai/gpt-oss-120b on 1 x gpu-h100-sxm, eu-north1".
func (e Endpoint) String() string {
	text := fmt.Sprintf("%s on %d x %s", e.Model, e.GPU.Count, e.GPU.Type)
	if e.Replicas.Max > 1 {
		text += fmt.Sprintf(", %d to %d replicas", e.Replicas.Min, e.Replicas.Max)
	}
	if e.Region != "" {
		text += ", " + e.Region
	}
	return text
}
