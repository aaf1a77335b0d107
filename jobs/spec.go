package jobs

import (
	"fmt"
	"slices"
	"time"
)

// Spec is a job as its file says it.
type Spec struct {
	// Name is what people call the job: lower-case letters, digits and dashes,
	// at most 40. The default is the job file's name without its ending.
	Name string `yaml:"name" json:"name"`

	// Input names the requests: JSONL in the OpenAI Batch format, plain or
	// compressed by gzip or zstd. One URL or a list of them, s3:// or file://,
	// read in the order given: an object, a prefix that ends in a slash, or a
	// pattern such as s3://bucket/day-*/**/*.jsonl.gz. What a prefix or a pattern
	// names is read in the byte order of the keys. It may hold templates such as
	// {{ .Date }}, as name and output may; see Moment.
	Input URLs `yaml:"input" json:"input"`

	// Output is the prefix below which results, manifest and report go.
	Output string `yaml:"output" json:"output"`

	// OutputExists says what to do about results of another job in that place.
	OutputExists OutputPolicy `yaml:"output_exists" json:"output_exists,omitempty"`

	// Results says how they are put into files.
	Results Results `yaml:"results" json:"results,omitzero"`

	// ResumeFrom names earlier jobs, by id or by output: a request that one of
	// them has an answer for, of the same custom_id, url and body, is not sent
	// again.
	ResumeFrom URLs `yaml:"resume_from" json:"resume_from,omitempty"`

	// Endpoint is what answers the requests. Endpoints is a list of them to be
	// tried in order: the next one when the provider has no capacity, or the
	// warm-up limit passes. A job has one or the other.
	Endpoint  Endpoint   `yaml:"endpoint" json:"endpoint,omitzero"`
	Endpoints []Endpoint `yaml:"endpoints" json:"endpoints,omitempty"`

	// OnInvalid, Models and MaxLine say which lines are sent. MaxLine bounds a
	// line in bytes without its end.
	OnInvalid OnInvalid `yaml:"on_invalid" json:"on_invalid,omitempty"`
	Models    Models    `yaml:"models" json:"models,omitempty"`
	MaxLine   Size      `yaml:"max_line" json:"max_line,omitzero"`

	// Expect is what the input must be besides, for whoever takes inputs of
	// others: anything else is a problem of the input.
	Expect Expect `yaml:"expect" json:"expect,omitzero"`

	Limits   Limits   `yaml:"limits" json:"limits"`
	Requests Requests `yaml:"requests" json:"requests"`

	// Schedule is when the job runs by itself, once it is given to the schedule
	// commands.
	Schedule Schedule `yaml:"schedule" json:"schedule,omitzero"`

	// Notify is who is told how the job ended.
	Notify Notify `yaml:"notify" json:"notify,omitzero"`
}

// Choices are the endpoints that may answer the job's requests, in the order
// in which they are tried: at least one.
func (s Spec) Choices() []Endpoint {
	if len(s.Endpoints) > 0 {
		return s.Endpoints
	}
	return []Endpoint{s.Endpoint}
}

// Endpoint is the endpoint to rent, in the provider's own words.
type Endpoint struct {
	Provider string   `yaml:"provider" json:"provider"`
	Model    string   `yaml:"model" json:"model"`
	Flavor   string   `yaml:"flavor" json:"flavor,omitempty"`
	GPU      GPU      `yaml:"gpu" json:"gpu"`
	Region   string   `yaml:"region" json:"region,omitempty"`
	Replicas Replicas `yaml:"replicas" json:"replicas"`

	// ID names an endpoint that the provider already has: it is started if it
	// is stopped, used, and returned to the state in which it was found.
	ID string `yaml:"id" json:"id,omitempty"`

	// Mode is how the provider answers: on an endpoint, or by its own Batch API.
	Mode Mode `yaml:"mode" json:"mode,omitempty"`

	// Share lets jobs use the endpoint together. Without it the endpoint is this
	// job's alone.
	Share Share `yaml:"share" json:"share,omitzero"`

	// Release says what happens to the endpoint when the job is over.
	Release Release `yaml:"release" json:"release"`

	// IdleStop asks the provider to stop the endpoint by itself after so long
	// without requests, where it can: the guard that holds when everything of
	// nightshift is down.
	IdleStop Duration `yaml:"idle_stop" json:"idle_stop,omitzero"`

	// Options are further words of one provider; see its documentation.
	Options Options `yaml:"options" json:"options,omitempty"`

	// PricePerGPUHour is what one GPU costs for one hour, where the provider
	// does not tell. Without it the report calls the cost unknown.
	PricePerGPUHour Money `yaml:"price_per_gpu_hour" json:"price_per_gpu_hour,omitzero"`

	// BaseURL, which ends in /v1, is where requests go, instead of the
	// provider's own address; ControlURL is where endpoints are managed. The
	// provider's token is sent to both.
	BaseURL    string `yaml:"base_url" json:"base_url,omitempty"`
	ControlURL string `yaml:"control_url" json:"control_url,omitempty"`
}

// Mode is a way in which a provider answers a job's requests.
type Mode string

// The modes.
const (
	OnEndpoint    Mode = "endpoint"       // a dedicated endpoint, rented for the job or there already
	ProviderBatch Mode = "provider-batch" // the provider's own Batch API, without an endpoint
)

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
	ReleaseRestore Release = "restore" // as it was found: of an endpoint that the job names by its id
)

// Limits ends a job that takes longer than it is worth.
type Limits struct {
	// Deadline counts from submission. When it passes, nothing more is sent,
	// the endpoint is released, and what never ran becomes batch_expired.
	Deadline Duration `yaml:"deadline" json:"deadline"`

	// Warmup bounds the time from asking for the endpoint to its first answer.
	Warmup Duration `yaml:"warmup" json:"warmup"`

	// GPUMinutes and Cost bound what all of the job's endpoints are billed for;
	// zero is no bound. At either the job ends as at its deadline. A bound on the
	// cost needs a price that is known before anything is rented.
	GPUMinutes float64 `yaml:"gpu_minutes" json:"gpu_minutes,omitempty"`
	Cost       Money   `yaml:"cost" json:"cost,omitzero"`
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
	s.Endpoints = slices.Clone(s.Endpoints)
	for i := range s.Endpoints {
		s.Endpoints[i].fillIn()
	}
	if len(s.Endpoints) == 0 {
		s.Endpoint.fillIn()
	}
	fill(&s.OnInvalid, FailOnInvalid)
	fill(&s.Models, OneModel)
	fill(&s.MaxLine, DefaultMaxLine)
	fill(&s.Limits.Deadline, Duration(DefaultDeadline))
	fill(&s.Limits.Warmup, Duration(DefaultWarmup))
	fill(&s.Requests.Timeout, Duration(DefaultTimeout))
	fill(&s.Requests.Attempts, DefaultAttempts)
	fill(&s.Requests.Order, PrefixOrder)
	s.Schedule.fillIn()
	s.Notify.fillIn()
	return s
}

func (e *Endpoint) fillIn() {
	fill(&e.Mode, OnEndpoint)
	fill(&e.GPU.Count, 1)
	fill(&e.Replicas.Min, 1)
	fill(&e.Replicas.Max, e.Replicas.Min)
	if !e.Share.IsZero() {
		fill(&e.Share.Lifetime, Duration(DefaultLifetime))
	}
	if e.ID != "" {
		fill(&e.Release, ReleaseRestore)
	}
	fill(&e.Release, ReleaseDelete)
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// String describes the endpoint in a few words:
// "openai/gpt-oss-120b on 1 x gpu-h100-sxm, eu-north1".
func (e Endpoint) String() string {
	switch {
	case e.ID != "":
		return "endpoint " + e.ID
	case e.Mode == ProviderBatch:
		return e.Model + " by the Batch API of " + e.Provider
	case e.GPU.Type == "":
		return e.Model
	}
	text := fmt.Sprintf("%s on %d x %s", e.Model, e.GPU.Count, e.GPU.Type)
	if e.Replicas.Max > 1 {
		text += fmt.Sprintf(", %d to %d replicas", e.Replicas.Min, e.Replicas.Max)
	}
	if e.Region != "" {
		text += ", " + e.Region
	}
	return text
}
