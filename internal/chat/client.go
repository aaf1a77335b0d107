package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	openai "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// DefaultMaxResponse bounds an answer's body unless told otherwise, in bytes.
// 128k tokens of text are below 1 MiB; images and log probabilities are larger.
const DefaultMaxResponse = 64 << 20

// Options says where and how to send.
type Options struct {
	// BaseURL is the OpenAI-compatible base, usually ending in /v1.
	BaseURL string
	// APIKey is sent as a bearer token; empty sends none.
	APIKey string
	// Headers are sent with every request, over all others.
	Headers map[string]string
	// Transport is what to send with; nil means [Transport] for 256 connections.
	Transport http.RoundTripper
	// MaxResponse bounds an answer's body in bytes; 0 means DefaultMaxResponse.
	MaxResponse int64
	// MaxRetryAfter caps what an endpoint may ask for; 0 means a minute.
	MaxRetryAfter time.Duration
	// Check reads the usage from the body of an answer of status 2xx to a request
	// with that url, or says what is wrong with it, without a word of its content.
	// nil takes any body.
	Check func(url string, body []byte) (Usage, error)
}

// Usage is what a request consumed, in tokens: what it sent, how much of that
// was cached, what was generated, and how much of that was reasoning.
type Usage struct{ InputTokens, CachedTokens, OutputTokens, ReasoningTokens int64 }

// Client sends to one endpoint. It is safe for concurrent use.
type Client struct {
	api       openai.Client
	transport http.RoundTripper
	header    http.Header // shared by all requests, never changed
	options   Options
	plain     bool     // http, not https
	invalid   error    // why the options cannot work
	prepared  sync.Map // of *prepared by url
}

// New returns a client and makes no call. A base URL that cannot work shows in
// Send, as an error of class Misconfigured.
func New(options Options) *Client {
	if options.MaxResponse <= 0 {
		options.MaxResponse = DefaultMaxResponse
	}
	if options.MaxRetryAfter <= 0 {
		options.MaxRetryAfter = time.Minute
	}
	c := &Client{options: options, header: header(options)}
	if c.transport = options.Transport; c.transport == nil {
		c.transport = Transport(256)
	}
	base, err := url.Parse(options.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		c.invalid = errors.New("the base URL is not one of http or https")
	}
	c.plain = err == nil && base.Scheme == "http"
	// Not openai.NewClient, which reads the environment. Post needs no more.
	c.api = openai.Client{Options: []option.RequestOption{
		option.WithBaseURL(options.BaseURL),
		option.WithMaxRetries(0),
	}}
	return c
}

func header(options Options) http.Header {
	header := http.Header{
		"Accept":       {"application/json"},
		"Content-Type": {"application/json"},
		"User-Agent":   {"nightshift"},
	}
	if options.APIKey != "" {
		header.Set("Authorization", "Bearer "+options.APIKey)
	}
	for name, value := range options.Headers {
		header.Set(name, value)
	}
	return header
}

// Request is one to be sent.
type Request struct {
	// URL is a batch line's, such as /v1/chat/completions. Its /v1 stands for the
	// base URL.
	URL string
	// Body must not be changed even after the request has ended: where the server
	// answered early, or the context ended, it may still be being written.
	Body []byte
	// Limit bounds the time until the whole answer is there; 0 leaves it to the
	// context. It costs less than a context's deadline.
	Limit time.Duration
	// Into is memory for the answer's body, used if it is large enough; may be
	// nil.
	Into []byte
	// Traceparent is a header of W3C's Trace Context; empty for none.
	Traceparent string
}

// Answer is what the endpoint answered, whatever the status.
type Answer struct {
	Status    int    // 0 when there was no whole answer
	RequestID string // the endpoint's own, from x-request-id; empty when it sends none
	Body      []byte // as it came; the caller's to keep and to change
	Usage     Usage  // what Check read from it
}

// Send posts a body to a batch line's url. See Post.
func (c *Client) Send(ctx context.Context, url string, body []byte) (Answer, error) {
	return c.Post(ctx, Request{URL: url, Body: body})
}

// Post sends a request and returns the whole answer.
//
// The error is nil if the answer can be used. Otherwise it is an *[Error], and
// the Answer is filled in beside it if there was one; or it is ctx's error when
// ctx was cancelled. When the request's time limit passes, or ctx's deadline, the
// error is of class Retry and wraps context.DeadlineExceeded.
//
// Post sends once, or again where net/http can tell that nothing has reached
// the server.
func (c *Client) Post(ctx context.Context, request Request) (Answer, error) {
	if c.invalid != nil {
		return Answer{}, &Error{Class: Misconfigured, Err: c.invalid}
	}
	got, err := c.exchange(ctx, request)
	switch {
	case err == nil: // even if ctx has ended since: the answer is paid for
		return c.sort(request.URL, got)
	case errors.Is(ctx.Err(), context.Canceled):
		return Answer{}, ctx.Err()
	case ctx.Err() != nil, err == context.DeadlineExceeded:
		return Answer{}, &Error{Class: Retry, Err: context.DeadlineExceeded}
	}
	return Answer{}, unanswered(err)
}

// Probe sends one tiny chat completion for the model. It costs about nothing
// and is the only proof that an endpoint serves. Its errors are those of Send;
// Refused means that the endpoint serves, but no chat completions.
func (c *Client) Probe(ctx context.Context, model string) error {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	body, err := json.Marshal(struct {
		Model     string    `json:"model"`
		Messages  []message `json:"messages"`
		MaxTokens int       `json:"max_tokens"`
	}{model, []message{{"user", "Say ok."}}, 1})
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	_, err = c.Send(ctx, "/v1/chat/completions", body)
	return err
}
