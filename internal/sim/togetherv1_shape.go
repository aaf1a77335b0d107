package sim

import (
	"slices"
	"time"
)

const (
	togetherV1Owner     = "devuser"
	togetherV1NameLimit = 100 // no limit is documented
)

// togetherV1Zones are the availability zones; the first is in Together's
// documents, the others are made up.
var togetherV1Zones = []string{"us-central-4b", "us-east-1a", "eu-west-2a"}

// togetherV1Shape is what a create asks for, or what an update leads to.
type togetherV1Shape struct {
	name, model string
	hardware    Hardware
	replicas    Range
	inactive    time.Duration // without requests, after which it stops for good; 0 is never
	started     bool
}

// togetherV1Item is an endpoint as the listing shows it.
type togetherV1Item struct {
	Object    string    `json:"object"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Model     string    `json:"model"`
	Type      string    `json:"type"`
	Owner     string    `json:"owner"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
}

// togetherV1Body is an endpoint as every other call shows it.
type togetherV1Body struct {
	togetherV1Item
	DisplayName string             `json:"display_name"`
	Hardware    string             `json:"hardware"`
	Autoscaling togetherV1Replicas `json:"autoscaling"`
}

type togetherV1Replicas struct {
	MinReplicas int `json:"min_replicas"`
	MaxReplicas int `json:"max_replicas"`
}

// serverlessEndpoint is not the account's, and is in the way of those who do
// not say what they want listed.
var serverlessEndpoint = togetherV1Item{
	Object: "endpoint", ID: "endpoint-serverless", Name: "openai/gpt-oss-20b", Model: "openai/gpt-oss-20b",
	Type: "serverless", Owner: "together", State: "STARTED", CreatedAt: time.Unix(created, 0).UTC(),
}

// togetherV1State has Together's words for the states of the core.
var togetherV1State = map[State]string{
	Starting: "STARTING", Running: "STARTED", Updating: "STARTED",
	Stopping: "STOPPING", Stopped: "STOPPED", Failed: "ERROR",
}

func (e *togetherV1Endpoint) item(s snapshot) togetherV1Item {
	state, known := togetherV1State[s.state]
	if !known {
		state = string(s.state)
	}
	return togetherV1Item{
		Object: "endpoint", ID: e.core.id, Name: e.core.key, Model: e.shape.model,
		Type: "dedicated", Owner: togetherV1Owner, State: state, CreatedAt: s.createdAt,
	}
}

func (e *togetherV1Endpoint) body(s snapshot) togetherV1Body {
	return togetherV1Body{
		togetherV1Item: e.item(s),
		DisplayName:    e.shape.name,
		Hardware:       e.shape.hardware.ID,
		Autoscaling:    togetherV1Replicas{e.shape.replicas.Min, e.shape.replicas.Max},
	}
}

var (
	togetherV1Creates = []string{
		"display_name", "model", "hardware", "autoscaling", "disable_prompt_cache", "disable_speculative_decoding",
		"state", "inactive_timeout", "availability_zone",
	}
	togetherV1Updates = []string{"display_name", "state", "autoscaling", "inactive_timeout"}
)

// parseCreate reads a create's body; the reply is for the case that it must be
// refused.
func (v *togetherV1) parseCreate(body []byte) (togetherV1Shape, reply, bool) {
	f := parseForm(body)
	f.only(togetherV1Creates)
	shape := togetherV1Shape{model: f.text("model", 1, togetherV1NameLimit), started: true}
	hardware := f.text("hardware", 1, togetherV1NameLimit)
	f.object("autoscaling") // required, unlike in an update
	shape.readOptional(f)
	for _, flag := range []string{"disable_prompt_cache", "disable_speculative_decoding"} {
		if f.has(flag) {
			f.boolean(flag)
		}
	}
	if f.has("availability_zone") {
		f.oneOf("availability_zone", togetherV1Zones)
	}
	if len(*f.problems) == 0 {
		shape.hardware = v.choose(f, shape.model, hardware)
	}
	refusal, refused := f.refuseTogetherV1()
	return shape, refusal, refused
}

// parseTogetherV1Update reads an update's body: what it leaves out stays as it
// is.
func parseTogetherV1Update(body []byte, shape togetherV1Shape) (togetherV1Shape, reply, bool) {
	f := parseForm(body)
	f.only(togetherV1Updates)
	shape.readOptional(f)
	refusal, refused := f.refuseTogetherV1()
	return shape, refusal, refused
}

// readOptional reads what both create and update may leave out.
func (s *togetherV1Shape) readOptional(f form) {
	if f.has("display_name") {
		s.name = f.text("display_name", 0, togetherV1NameLimit)
	}
	if f.has("state") {
		s.started = f.oneOf("state", []string{"STARTED", "STOPPED"}) == "STARTED"
	}
	if f.has("inactive_timeout") {
		s.inactive = time.Duration(f.number("inactive_timeout", 0)) * time.Minute
	}
	if f.has("autoscaling") {
		scaling := f.object("autoscaling")
		s.replicas = Range{scaling.number("min_replicas", 1), scaling.number("max_replicas", 1)}
		if s.replicas.Max >= 1 && s.replicas.Max < s.replicas.Min {
			scaling.report("max_replicas", "value_error", "max_replicas must be at least min_replicas", nil)
		}
	}
}

// choose returns the hardware of that name if the model runs on it.
func (v *togetherV1) choose(f form, model, id string) Hardware {
	for _, h := range v.options.Hardware {
		if h.ID == id && slices.Contains(h.Models, model) {
			return h
		}
	}
	f.report("hardware", "value_error", "hardware "+id+" is not available for model "+model, nil)
	return Hardware{}
}
