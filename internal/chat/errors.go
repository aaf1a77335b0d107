package chat

import (
	"errors"
	"fmt"
	"time"
)

// Class says what to do about an answer, or about its absence.
type Class string

// The classes, and what belongs to each.
const (
	// OK: the answer can be used.
	OK Class = ""
	// Retry: another try may succeed. 408, 409 and 5xx, as OpenAI's own clients
	// have it, and 425 (RFC 8470, section 5.2); a connection that is cut or
	// cannot be made; a time limit; an answer with 2xx that is not what was asked
	// for, as proxies and dying servers send them, or larger than allowed; a
	// temporary redirect (302, 303, 307), which is not followed.
	Retry Class = "retry"
	// Throttled: the endpoint asks everybody for a pause. 429, also for a quota
	// that is used up, which somebody may raise while the job waits; 503, which
	// routers send while their queue is full.
	Throttled Class = "throttled"
	// Gone: the endpoint may have ended, and the provider knows. 404, which
	// Nebius sends while an endpoint starts or stops, and vLLM for a model that
	// it does not have; 400 endpoint_not_configured and 503 routing_error, which
	// Together sends for an endpoint without replicas; a refused connection; a
	// host name that does not exist.
	Gone Class = "gone"
	// Refused: this request will not succeed however often it is sent. Every
	// other 4xx, and a 404 about something that the request itself names, such
	// as its previous_response_id.
	Refused Class = "refused"
	// Misconfigured: every request would fail alike until a person acts. 401 and
	// 403; 402, an account without credit; a certificate that does not fit,
	// https spoken to a server of http; a base URL that is none, or that has
	// moved for good (301, 308).
	Misconfigured Class = "misconfigured"
)

// Error is a failure, sorted. Its text never holds anything of the request's or
// the answer's body, nor does that of its cause.
type Error struct {
	Class      Class         // never OK
	Status     int           // HTTP status; 0 when there was no whole answer
	RetryAfter time.Duration // what the endpoint asked for, capped; 0 when it did not
	RequestID  string        // the endpoint's, for its support; may be empty
	Err        error         // cause; nil where the status says all
}

// Error puts status, cause and request id on one line.
func (e *Error) Error() string {
	text := "no answer"
	if e.Status != 0 {
		text = fmt.Sprintf("HTTP %d", e.Status)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request %q)", e.RequestID)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ClassOf returns the class of err: OK for nil, and Retry for what Send did not
// sort, such as the error of a cancelled context.
func ClassOf(err error) Class {
	if err == nil {
		return OK
	}
	if sorted, ok := errors.AsType[*Error](err); ok {
		return sorted.Class
	}
	return Retry
}
