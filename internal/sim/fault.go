package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The operations a fault can strike and the ledger counts, and the two groups.
// In every control plane OpCreate is the call after which GPUs are billed,
// OpUpdate the one that changes how many, and OpDelete the last one of an end.
const (
	OpTemplates = "templates"
	OpPricing   = "pricing"
	OpList      = "list"
	OpCreate    = "create"
	OpUpdate    = "update"
	OpDelete    = "delete"

	OpChat        = "chat"
	OpCompletions = "completions"
	OpEmbeddings  = "embeddings"
	OpResponses   = "responses"
	OpModels      = "models"

	AnyControl = "control" // every operation of a control plane
	AnyData    = "data"    // every operation of the data plane
)

// Kind says how an operation goes wrong.
type Kind string

// The kinds. "Performed" means that the operation takes effect.
const (
	Status     Kind = "status"      // not performed; Status (500) and Body
	RetryAfter Kind = "retry-after" // not performed; Status (429) with a Retry-After header, in whole seconds
	Capacity   Kind = "capacity"    // not performed; the provider's own words for "no GPUs left"
	Busy       Kind = "busy"        // not performed and 409, while the endpoint is starting; performed afterwards, as reading always is
	HTML       Kind = "html-200"    // not performed; 200 with a web page, as from a proxy
	CutBefore  Kind = "cut-before"  // not performed; the connection is cut
	Hang       Kind = "hang"        // not performed; no answer until the client gives up, or for Delay and then cut

	LostReply     Kind = "lost-reply"         // performed; then the connection is cut
	CutBody       Kind = "cut-body"           // performed; cut after half of the reply's body
	TruncatedJSON Kind = "truncated-json"     // performed; half of the body as if it were all
	EmptyChoices  Kind = "empty-choices"      // performed; a reply whose list (choices, data, output) is empty
	ContentType   Kind = "wrong-content-type" // performed; the true body, called Body or text/plain
	Slow          Kind = "slow"               // performed after Delay, even if the client has gone away by then
	Trickle       Kind = "trickle"            // performed; the reply's body in sixteen pieces, Delay apart
	LateCreate    Kind = "late-create"        // Status (500) at once; what was to be created appears after Delay

	UnknownState Kind = "unknown-state" // performed; endpoints are shown in the state Body, which nobody knows
	ErrorState   Kind = "error-state"   // performed; endpoints are shown as failed, though they are not

	Fail   Kind = "fail"   // the endpoint concerned, or every one, loses its replicas; then performed
	Vanish Kind = "vanish" // the endpoint concerned, or every one, is gone; then performed
)

// Fault is one way of going wrong, to be told to a cloud with Inject or, as
// JSON with durations such as "1.5s", with POST /sim/faults. Faults strike in
// the order in which they were told; a call is struck by at most one.
type Fault struct {
	Op         string        // operation or group; "" is every operation
	Kind       Kind          // one of the kinds above
	Status     int           // HTTP status, for kinds that answer with one; 0 is the kind's own
	Delay      time.Duration // for kinds that wait
	RetryAfter time.Duration // sent as Retry-After with any refusal, rounded up to seconds; 0 with kind RetryAfter is 1 s
	Count      int           // how many calls it strikes; 0 is every one until faults are cleared
	Every      int           // strikes only each nth call that it could; 0 and 1 are each
	Body       string        // replaces the body of a refusal, or see the kind
}

// Validate returns what is wrong with a fault, on one line.
func (f Fault) Validate() error {
	if _, known := behaviours[f.Kind]; !known {
		kinds := slices.Sorted(maps.Keys(behaviours))
		return fmt.Errorf("fault kind %q is unknown; known are %q", f.Kind, kinds)
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return fmt.Errorf("fault status %d is not between 200 and 599", f.Status)
	}
	if f.Delay < 0 || f.RetryAfter < 0 || f.Count < 0 || f.Every < 0 {
		return fmt.Errorf("fault %q has a negative number", f.Kind)
	}
	return nil
}

// faultJSON is a fault as JSON has it.
type faultJSON struct {
	Op         string   `json:"op,omitempty"`
	Kind       Kind     `json:"kind"`
	Status     int      `json:"status,omitempty"`
	Delay      duration `json:"delay,omitzero"`
	RetryAfter duration `json:"retry_after,omitzero"`
	Count      int      `json:"count,omitempty"`
	Every      int      `json:"every,omitempty"`
	Body       string   `json:"body,omitempty"`
}

// MarshalJSON writes durations as text.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{
		f.Op, f.Kind, f.Status, duration(f.Delay), duration(f.RetryAfter), f.Count, f.Every, f.Body,
	})
}

// UnmarshalJSON refuses names that a fault does not have.
func (f *Fault) UnmarshalJSON(text []byte) error {
	var j faultJSON
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&j); err != nil {
		return err
	}
	*f = Fault{
		j.Op, j.Kind, j.Status, time.Duration(j.Delay), time.Duration(j.RetryAfter), j.Count, j.Every, j.Body,
	}
	return nil
}

// duration is written as "1.5s" in JSON.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

// refusalStatus is the status of kinds that answer with one of their own.
var refusalStatus = map[Kind]int{
	Status:     http.StatusInternalServerError,
	LateCreate: http.StatusInternalServerError,
	RetryAfter: http.StatusTooManyRequests,
	Busy:       http.StatusConflict,
}
