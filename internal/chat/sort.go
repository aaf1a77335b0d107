package chat

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	openai "github.com/openai/openai-go/v3"
)

// sort sorts a whole answer, and reads its usage.
func (c *Client) sort(url string, got reply) (answer Answer, err error) {
	answer = Answer{Status: got.status, RequestID: got.requestID, Body: got.body}
	if answer.Status < 300 {
		if c.options.Check == nil {
			return answer, nil
		}
		if answer.Usage, err = c.options.Check(url, answer.Body); err != nil {
			err = &Error{Class: Retry, Status: answer.Status, RequestID: answer.RequestID, Err: err}
		}
		return answer, err
	}
	failed := &Error{Status: answer.Status, RequestID: answer.RequestID, RetryAfter: retryAfter(got.retryAfter, got.retryAfterMillis, c.options.MaxRetryAfter)}
	if c.plain && refusesPlain(answer.Status, answer.Body) {
		failed.Class, failed.Err = Misconfigured, errSpeaksTLS
		return answer, failed
	}
	failed.Class = classOf(answer.Status, answer.Body, param(answer.Body))
	return answer, failed
}

// param is what the API's error object names as the subject of a refusal.
func param(body []byte) string {
	var said struct {
		Error openai.Error `json:"error"`
	}
	_ = json.Unmarshal(body, &said) // of what is no such object nothing is known
	return said.Error.Param
}

// plainRefusals are the words in which servers of https refuse what came without
// it: Go's, nginx's, and Apache's.
var plainRefusals = []string{"HTTP request to an HTTPS server", "plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled server port"}

// refusesPlain reports whether an answer to a request over http says that the
// server expects https. Every request would be refused alike.
func refusesPlain(status int, body []byte) bool {
	return status == http.StatusBadRequest && slices.ContainsFunc(plainRefusals, func(words string) bool {
		return bytes.Contains(body, []byte(words))
	})
}

// classOf sorts an answer of status 3xx or more. param is what the API's error
// object names as its subject.
func classOf(status int, body []byte, param string) Class {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusMovedPermanently, http.StatusPermanentRedirect:
		return Misconfigured
	case http.StatusNotFound:
		if param == "" || param == "model" {
			return Gone
		}
	case http.StatusBadRequest:
		if hasCode(body, "endpoint_not_configured") {
			return Gone
		}
	case http.StatusServiceUnavailable:
		if hasCode(body, "routing_error") {
			return Gone
		}
		return Throttled
	case http.StatusTooManyRequests:
		return Throttled
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return Retry
	}
	if status >= 400 && status < 500 {
		return Refused
	}
	return Retry
}

// hasCode reports whether a JSON body holds the code as a string of its own,
// wherever its envelope has it. Text that merely quotes the code has its quotes
// escaped.
func hasCode(body []byte, code string) bool {
	return bytes.Contains(body, []byte(`"`+code+`"`))
}

// unanswered sorts a request that got no whole answer.
func unanswered(err error) *Error {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	name, lookup := errors.AsType[*net.DNSError](err)
	failed := &Error{Class: Retry, Err: &cause{err}}
	switch {
	case certificate, noTLS, errors.Is(err, errSpeaksTLS):
		failed.Class = Misconfigured
	case errors.Is(err, syscall.ECONNREFUSED), lookup && name.IsNotFound:
		failed.Class = Gone
	}
	return failed
}

// cause words an error without what a server sent: net/http quotes what it
// cannot parse.
type cause struct{ err error }

// Unwrap is for errors.Is. The text of what it returns is not safe.
func (c *cause) Unwrap() error { return c.err }

// Error lets through the text of errors known to hold only addresses and system
// calls.
func (c *cause) Error() string {
	if network, ok := errors.AsType[*net.OpError](c.err); ok {
		return network.Error()
	}
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](c.err); ok {
		return certificate.Error()
	}
	for _, ours := range []error{errTooLarge, errHeaderTooLarge, errSpeaksTLS, errUpgrade} {
		if errors.Is(c.err, ours) {
			return ours.Error()
		}
	}
	_, noTLS := errors.AsType[tls.RecordHeaderError](c.err)
	switch {
	case noTLS:
		return "the server speaks http, not https"
	case errors.Is(c.err, io.EOF), errors.Is(c.err, io.ErrUnexpectedEOF):
		return "the connection was cut"
	}
	return "the connection failed"
}

// retryAfter reads how long the endpoint asks to wait: milliseconds in
// Retry-After-Ms, which OpenAI's own clients prefer, or seconds or a date in
// Retry-After (RFC 9110, section 10.2.3). 0 means that it does not say, or
// nothing sensible.
func retryAfter(said, saidMillis string, longest time.Duration) time.Duration {
	if wait := duration(saidMillis, time.Millisecond, longest); wait > 0 {
		return wait
	}
	if date, err := http.ParseTime(said); err == nil {
		return min(max(time.Until(date), 0), longest)
	}
	return duration(said, time.Second, longest)
}

// duration reads a number of units, fractions included, between 0 and longest.
func duration(text string, unit, longest time.Duration) time.Duration {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(number) || number <= 0 {
		return 0
	}
	return time.Duration(min(number*float64(unit), float64(longest)))
}
