package provider

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxReason     = 64 << 10        // bytes of an error's body that are read
	maxRetryAfter = 5 * time.Minute // no provider documents more; beyond it polling is the better guess
)

// sending notes how far a call got.
type sending struct{ asked, connected atomic.Bool }

func (s *sending) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.connected.Store(true) },
	})
}

// never reports whether it is certain that the request was not sent: a
// connection was asked for and none was had. A transport that cannot be traced
// gives no such certainty.
func (s *sending) never() bool { return s.asked.Load() && !s.connected.Load() }

// unanswered sorts a call that got no answer, or only the beginning of one.
func (c *Client) unanswered(ctx context.Context, call Call, unsent bool, err error) *Error {
	message := err.Error()
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		message = wrapped.Err.Error() // without method and URL, which Op stands for
	}
	if cause := context.Cause(ctx); cause != nil {
		message = cause.Error()
	}
	sorted := &Error{Kind: lost(call), Op: c.op(call), Message: c.say(call, message, maxMessage), Err: err}
	if unsent {
		sorted.Kind = Unavailable
	}
	return sorted
}

// unreadable sorts a 2xx answer that is not what the call should return.
func (c *Client) unreadable(call Call, response *http.Response, err error) *Error {
	return &Error{
		Kind: lost(call), Op: c.op(call), Status: response.StatusCode,
		Message:   c.say(call, "unreadable answer: "+err.Error(), maxMessage),
		RequestID: c.requestID(call, response.Header), Err: err,
	}
}

// refused is for calls that cannot even be sent.
func (c *Client) refused(call Call, message string) *Error {
	return &Error{Kind: Refused, Op: c.op(call), Message: c.say(call, message, maxMessage)}
}

// rejected sorts an answer outside 2xx by its status and words.
func (c *Client) rejected(call Call, response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxReason)) // the status counts even if the reason is cut
	message, code := reason(body)
	if location := response.Header.Get("Location"); location != "" && response.StatusCode < 400 {
		message = "redirected to " + location + ", which is not followed: check the base URL"
	}
	if message == "" {
		message = http.StatusText(response.StatusCode)
	}
	return &Error{
		Kind: kindOf(call, response.StatusCode, code+" "+message), Op: c.op(call), Status: response.StatusCode,
		Code: c.say(call, code, maxCode), Message: c.say(call, message, maxMessage),
		RequestID: c.requestID(call, response.Header), RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
}

func (c *Client) op(call Call) string { return c.name + ": " + call.Op }

func (c *Client) requestID(call Call, header http.Header) string {
	for _, key := range []string{"X-Request-Id", "Request-Id", "X-Trace-Id"} {
		if id := header.Get(key); id != "" {
			return c.say(call, id, maxCode)
		}
	}
	return ""
}

// lost is the kind of a call whose outcome is not known.
func lost(call Call) Kind {
	if call.Creates {
		return Ambiguous
	}
	return Unavailable
}

// kindOf sorts a status outside 2xx. Words beat the status where GPUs are asked
// for: quota and capacity come as 402, 403, 409, 429, 500 and 503, depending on
// the provider.
func kindOf(call Call, status int, words string) Kind {
	asksForGPU := call.Method != http.MethodGet && call.Method != http.MethodDelete
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusNotFound, status == http.StatusGone:
		return Refused // "no instance with that id" is no lack of instances
	case status == http.StatusPaymentRequired, asksForGPU && status >= 400 && saysCapacity(words):
		return Capacity
	case status == http.StatusForbidden:
		return Unauthorized
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status < 400, status == http.StatusRequestTimeout, status >= 500:
		return lost(call)
	case (status == http.StatusConflict || status == http.StatusLocked) && !call.Creates:
		return Unavailable // the endpoint is in the middle of something else; later it is not
	}
	return Refused
}

var (
	capacityWords = regexp.MustCompile(`(?i)quota|capacity|could not be provisioned|out of stock|sold out` +
		`|insufficient[ _-](gpu|resource|balance|credit|fund)|(no|not enough)( available| free)? (gpu|resource|node|instance)s?\b`)
	rateWords = regexp.MustCompile(`(?i)rate.?limit|too many requests|requests per|per (second|minute|hour)`)
)

func saysCapacity(words string) bool {
	return capacityWords.MatchString(words) && !rateWords.MatchString(words)
}

// retryAfter reads a Retry-After header, seconds or an HTTP date; 0 if it tells
// nothing or lies in the past.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(seconds) {
		return 0
	}
	seconds = min(max(seconds, 0), maxRetryAfter.Seconds())
	return time.Duration(seconds * float64(time.Second))
}
