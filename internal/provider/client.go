package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	callTimeout = 30 * time.Second // create is the slowest call; none is documented to take longer than seconds
	maxReply    = 8 << 20          // bytes; listings are not paginated, so this is about 10,000 endpoints
	maxRedirect = 3
	userAgent   = "nightshift"
)

// Client sends JSON calls to one control plane and sorts what goes wrong into
// *[Error]. It never retries, and is safe for concurrent use.
//
// The transport below it may send a call again over a second connection, but
// only if it wrote no byte of it to the first, or if it is a GET.
type Client struct {
	name    string
	base    string
	token   *string // behind a pointer, so that no verb of fmt prints it
	timeout time.Duration
	http    *http.Client
}

// Call is one request to a control plane.
type Call struct {
	Op      string      // for errors: "create endpoint"
	Method  string      // GET, POST, PATCH, PUT or DELETE
	Path    string      // below the base URL, beginning with /, escaped
	Query   url.Values  // may be nil
	Header  http.Header // sent beside the client's own; may be nil
	Body    any         // sent as JSON; nil sends none
	Secret  string      // a part of Body that is never part of an error, as the token is not; may be empty
	Creates bool        // the call makes something billable: a lost outcome is Ambiguous
}

// NewClient returns a client for the control plane at s.BaseURL, or at
// defaultURL if that is empty. The name begins the text of every error. An
// *[Error] is Unauthorized for a missing or malformed token and Refused for a
// malformed base URL.
func NewClient(name, defaultURL string, s Settings) (*Client, error) {
	if strings.TrimSpace(s.Token) == "" {
		return nil, &Error{Kind: Unauthorized, Op: name, Message: "no API key"}
	}
	return NewOpenClient(name, defaultURL, s)
}

// NewOpenClient is NewClient for a service that may ask for no token: without
// one its calls have no Authorization header.
func NewOpenClient(name, defaultURL string, s Settings) (*Client, error) {
	token := strings.TrimSpace(s.Token)
	c := &Client{name: name, token: &token, timeout: s.Timeout, http: &http.Client{}}
	if c.timeout <= 0 {
		c.timeout = callTimeout
	}
	if s.HTTPClient != nil {
		*c.http = *s.HTTPClient
	}
	c.http.CheckRedirect = sameHost
	c.http.Jar = nil
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &Error{Kind: Unauthorized, Op: name, Message: "the API key holds characters that no key has"}
	}
	base, err := ParseBaseURL(s.BaseURL, defaultURL)
	if err != nil {
		return nil, &Error{Kind: Refused, Op: name, Message: err.Error()}
	}
	c.base = base
	return c, nil
}

// ParseBaseURL checks a base URL given by the operator, or returns fallback if
// there is none, without a slash at its end. Credentials in it are refused,
// because base URLs appear in logs and reports; so are query and fragment.
func ParseBaseURL(given, fallback string) (string, error) {
	if given == "" {
		given = fallback
	}
	base, err := url.Parse(given)
	switch {
	case err != nil:
		return "", errors.New("the base URL is malformed") // the cause would repeat it
	case base.User != nil:
		return "", errors.New("the base URL must not hold credentials")
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "", base.RawQuery != "", base.Fragment != "":
		return "", errors.New("the base URL is not of the form https://host/path")
	}
	return strings.TrimRight(given, "/"), nil
}

// BaseURL is the control plane's base URL, without a slash at its end.
func (c *Client) BaseURL() string { return c.base }

// Do sends the call once and decodes a 2xx answer of at most 8 MB into reply; a
// nil reply ignores the answer's body, unless it is a web page: that comes from
// something between here and the control plane. A reply type whose UnmarshalJSON refuses
// what it needs but does not find makes the answer unreadable, which is
// Ambiguous for a call that creates and Unavailable for any other. So is an
// answer that never came; but if no connection was made, nothing was sent, and
// that is Unavailable for every call.
//
// An answer outside 2xx is sorted by its status and words; the redirects among
// them that lead to another host, or change the method, are not followed.
func (c *Client) Do(ctx context.Context, call Call, reply any) error {
	var sent sending
	if ctx.Err() != nil {
		return c.unanswered(ctx, call, true, ctx.Err())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	request, err := c.request(sent.watch(ctx), call)
	if err != nil {
		return c.refused(call, "request cannot be made: "+err.Error())
	}
	return c.transmit(call, request, &sent, reply)
}

// transmit sends a request and decodes its answer into reply, unless that is
// nil.
func (c *Client) transmit(call Call, request *http.Request, sent *sending, reply any) error {
	response, err := c.exchange(c.http, call, request, sent)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if reply == nil {
		return nil
	}
	body, err := readAtMost(response.Body, maxReply)
	if err != nil {
		return c.unanswered(request.Context(), call, false, err)
	}
	if err := json.Unmarshal(body, reply); err != nil {
		return c.unreadable(call, response, err)
	}
	return nil
}

// exchange sends a request and returns an answer of status 2xx that is no web
// page, its body still to be read.
func (c *Client) exchange(over *http.Client, call Call, request *http.Request, sent *sending) (*http.Response, error) {
	response, err := over.Do(request)
	if err != nil {
		return nil, c.unanswered(request.Context(), call, sent.never(), err)
	}
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		err = c.rejected(call, response)
	case strings.HasPrefix(response.Header.Get("Content-Type"), "text/html"):
		err = c.unreadable(call, response, errors.New("a web page"))
	default:
		return response, nil
	}
	response.Body.Close()
	return nil, err
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	var body io.Reader
	if call.Body != nil {
		data, err := json.Marshal(call.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	request, err := c.bare(ctx, call, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// bare is a call's request without the headers that say what it carries.
func (c *Client) bare(ctx context.Context, call Call, body io.Reader) (*http.Request, error) {
	target := c.base + call.Path
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, target, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, call.Header)
	if *c.token != "" {
		request.Header.Set("Authorization", "Bearer "+*c.token)
	}
	request.Header.Set("User-Agent", userAgent)
	return request, nil
}

// readAtMost reads all of r, or fails beyond limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return body, err
}

// sameHost follows a redirect only to where the token belongs, and only if the
// call stays the same: a POST turned into a GET would look like a success. A
// redirect not followed is sorted like any other answer.
func sameHost(request *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) <= maxRedirect && request.Method == first.Method &&
		request.URL.Scheme == first.URL.Scheme && request.URL.Host == first.URL.Host {
		return nil
	}
	return http.ErrUseLastResponse
}
