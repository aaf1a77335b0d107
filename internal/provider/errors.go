package provider

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind sorts control-plane errors by what the caller should do.
type Kind string

// The kinds. The zero value never leaves this package's implementations.
const (
	Unauthorized Kind = "unauthorized" // 401, 403: the token; retrying is pointless until a person acts
	Refused      Kind = "refused"      // the request can never succeed as it stands (4xx, shape not offered)
	Capacity     Kind = "capacity"     // no GPU of that kind now, or a quota is used up: try another shape, or later
	RateLimited  Kind = "rate-limited" // slow down; RetryAfter says for how long when the provider does
	Unavailable  Kind = "unavailable"  // the call failed and had no effect, or repeating it is safe
	Ambiguous    Kind = "ambiguous"    // only from Create: it may have taken effect
)

// Error is a control-plane error after sorting. Its text is safe for logs and
// workflow histories.
type Error struct {
	Kind       Kind
	Op         string        // what was tried: "nebius: create endpoint"
	Status     int           // HTTP status; 0 when there was no answer
	Code       string        // the provider's own error code, if it sent one
	Message    string        // the provider's reason, shortened; or ours
	RequestID  string        // from the answer's headers, for the provider's support
	RetryAfter time.Duration // 0 when not told
	Err        error         // cause, such as a network error; may be nil
}

// Error formats the operation, the status and the reason on one line.
func (e *Error) Error() string {
	text := e.Op
	if e.Status != 0 {
		text += fmt.Sprintf(": HTTP %d", e.Status)
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Message == "" && e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the *Error in err's chain, or Unavailable for an
// error that was never sorted.
func KindOf(err error) Kind {
	if sorted, ok := errors.AsType[*Error](err); ok {
		return sorted.Kind
	}
	return Unavailable
}

// Absent reports whether err says that the object of the call does not exist
// (any more): HTTP 404 or 410.
func Absent(err error) bool {
	sorted, ok := errors.AsType[*Error](err)
	return ok && (sorted.Status == http.StatusNotFound || sorted.Status == http.StatusGone)
}
