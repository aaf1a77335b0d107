package chat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/openai/openai-go/v3/option"
)

// exchange sends a request and reads the whole answer.
func (c *Client) exchange(ctx context.Context, url string, body []byte, traceparent string) (Answer, http.Header, error) {
	prepared, err := c.prepare(url)
	if err != nil {
		return Answer{}, nil, err
	}
	request := prepared.WithContext(ctx)
	if traceparent != "" {
		request.Header = request.Header.Clone() // it is all requests' own
		request.Header.Set("Traceparent", traceparent)
	}
	request.ContentLength = int64(len(body))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	request.Body, _ = request.GetBody()
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return Answer{}, nil, err
	}
	content, err := readBody(response, c.options.MaxResponse)
	_ = response.Body.Close() // all was read, or the connection is given up
	if err != nil {
		return Answer{}, nil, err
	}
	return Answer{Status: response.StatusCode, RequestID: requestID(response.Header), Body: content}, response.Header, nil
}

// prepare returns the request that openai-go makes for a url, without a body.
// The lines of a batch differ in nothing else, so it is made once.
func (c *Client) prepare(url string) (*http.Request, error) {
	if made, ok := c.prepared.Load(url); ok {
		return made.(*http.Request), nil
	}
	path := strings.TrimPrefix(strings.TrimPrefix(url, "/"), "v1/")
	var kept keeper
	if err := c.api.Post(context.Background(), path, []byte("{}"), nil, option.WithHTTPClient(&kept)); err != nil {
		return nil, err
	}
	kept.request.Header, kept.request.Body = c.header, nil
	c.prepared.Store(url, kept.request)
	return kept.request, nil
}

// keeper is an HTTP client that keeps the request instead of sending it.
type keeper struct{ request *http.Request }

// Do implements option.HTTPClient.
func (k *keeper) Do(request *http.Request) (*http.Response, error) {
	k.request = request
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

// requestID bounds what a server can put into every result line.
func requestID(header http.Header) string {
	id := header.Get("X-Request-Id")
	return id[:min(len(id), 128)]
}

var errTooLarge = errors.New("the answer is larger than allowed")

// readBody reads a body of at most limit bytes. The length that the server
// announces saves copies, but only so much memory is taken on its word.
func readBody(response *http.Response, limit int64) ([]byte, error) {
	const trusted = 256 << 10
	if response.ContentLength > limit {
		return nil, errTooLarge
	}
	size := min(max(response.ContentLength, 511), trusted)
	body := make([]byte, 0, size+1) // one more, to see the end without growing
	for {
		n, err := response.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, errTooLarge
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}
