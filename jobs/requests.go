package jobs

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

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

	// Defaults are members for the bodies that do not have them, such as
	// temperature. What a line says itself, null included, stays as it is.
	Defaults Defaults `yaml:"defaults" json:"defaults,omitempty"`

	// Headers are sent with every request. ${NIGHTSHIFT_HEADER_NAME} in a value
	// stands for that variable of the worker's environment, so that a secret is
	// in no history; other variables cannot be named, since whoever writes a job
	// file says where its requests go.
	Headers map[string]string `yaml:"headers" json:"headers,omitempty"`

	// Order is the order in which the requests of a shard are sent. Results are
	// in the order of the input whatever it is.
	Order Order `yaml:"order" json:"order,omitempty"`

	// Hedge sends the last requests of a shard once more when they take much
	// longer than the others did, and takes the answer that comes first.
	Hedge bool `yaml:"hedge" json:"hedge,omitempty"`
}

// Order is an order of sending.
type Order string

// The orders.
const (
	PrefixOrder  Order = "prefix"        // requests that begin alike together, within a few hundred: endpoints cache beginnings
	InputOrder   Order = "input"         // as the input has them
	LongestFirst Order = "longest-first" // of a shard; so that the end does not wait for a long one that began late
)

// Defaults are members of a request's body by name, as JSON.
type Defaults map[string]json.RawMessage

// UnmarshalYAML takes a mapping from names to values of any kind.
func (d *Defaults) UnmarshalYAML(node *yaml.Node) error {
	var values map[string]any
	if err := node.Decode(&values); err != nil {
		return err
	}
	*d = Defaults{}
	for name, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("default %s cannot be written as JSON", name)
		}
		(*d)[name] = text
	}
	return nil
}

const (
	maxDefaults    = 64 << 10 // bytes; they are in the job's history several times
	maxHeaders     = 32
	maxHeaderBytes = 8 << 10
)

var (
	headerName   = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$") // RFC 9110, section 5.6.2
	headerValue  = regexp.MustCompile(`^[\t\x20-\x7e]*$`)
	environment  = regexp.MustCompile(`\$\{([^}]*)\}`)
	headerPrefix = "NIGHTSHIFT_HEADER_"
)

// notForJobs are headers that say how a connection is used (RFC 9110, section
// 7.6.1), or that are nightshift's own to set.
var notForJobs = []string{
	"authorization", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "accept-encoding",
	"keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

func (r Requests) check(list *problemList) {
	list.require(r.Timeout > 0, "requests.timeout", "must be longer than zero")
	list.require(r.Attempts >= 1 && r.Attempts <= 100, "requests.attempts", "must be from 1 to 100")
	list.require(r.Concurrency >= 0 && r.Concurrency <= 10_000, "requests.concurrency", `must be "auto" or from 1 to 10000`)
	list.require(slices.Contains([]Order{"", PrefixOrder, InputOrder, LongestFirst}, r.Order), "requests.order", "%q must be prefix, input or longest-first", r.Order)
	size := 0
	for _, name := range slices.Sorted(maps.Keys(r.Defaults)) {
		size += len(name) + len(r.Defaults[name])
		at := "requests.defaults." + name
		list.require(name != "model", at, "cannot be set; the endpoint decides it")
		list.require(name != "stream" || string(r.Defaults[name]) == "false", at, "answers of a batch are not streamed")
	}
	list.require(size <= maxDefaults, "requests.defaults", "must not be larger than %d bytes", maxDefaults)
	r.checkHeaders(list)
}

func (r Requests) checkHeaders(list *problemList) {
	list.require(len(r.Headers) <= maxHeaders, "requests.headers", "must not be more than %d", maxHeaders)
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		value, at := r.Headers[name], "requests.headers."+name
		list.require(headerName.MatchString(name), at, "%q is not the name of a header", name)
		list.require(headerValue.MatchString(value) && len(value) <= maxHeaderBytes, at, "must be printable ASCII of at most %d bytes", maxHeaderBytes)
		list.require(!slices.Contains(notForJobs, strings.ToLower(name)), at, "cannot be set by a job; the token is the worker's (such as NEBIUS_API_KEY)")
		for _, reference := range environment.FindAllStringSubmatch(value, -1) {
			list.require(strings.HasPrefix(reference[1], headerPrefix), at, "${%s} must begin with %s: a job cannot name other variables of the worker", reference[1], headerPrefix)
		}
	}
}

// ResolvedHeaders returns the headers with what the environment says in place of
// their references. The error names variables that are not set.
func (r Requests) ResolvedHeaders(lookup func(variable string) (string, bool)) (map[string]string, error) {
	resolved := map[string]string{}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		resolved[name] = environment.ReplaceAllStringFunc(r.Headers[name], func(reference string) string {
			variable := reference[2 : len(reference)-1]
			value, set := lookup(variable)
			if !set || !strings.HasPrefix(variable, headerPrefix) {
				missing = append(missing, variable)
			}
			return value
		})
		if !headerValue.MatchString(resolved[name]) {
			return nil, fmt.Errorf("requests.headers.%s: what the environment has for it is not printable ASCII", name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("requests.headers: the worker's environment does not have %s", strings.Join(missing, ", "))
	}
	return resolved, nil
}
