package chat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openai/openai-go/v3/option"
)

// prepared is what all requests to a url have in common.
type prepared struct {
	request *http.Request // without a body
	direct  *direct       // sends those that are small; nil if none
	wire    wire          // where there is direct
}

// exchange sends a request and reads the whole answer.
func (c *Client) exchange(ctx context.Context, request Request) (reply, error) {
	to, err := c.prepare(request.URL)
	if err != nil {
		return reply{}, err
	}
	if to.direct != nil && len(request.Body) <= directBody {
		return to.direct.post(ctx, to, request, deadlineOf(ctx, request.Limit), c.options.MaxResponse)
	}
	if request.Limit > 0 {
		limited, cancel := context.WithTimeout(ctx, request.Limit)
		defer cancel()
		got, err := c.roundTrip(limited, to, request)
		if err != nil && ctx.Err() == nil && limited.Err() != nil {
			return reply{}, limited.Err()
		}
		return got, err
	}
	return c.roundTrip(ctx, to, request)
}

// deadlineOf is when a request must be over; zero for never.
func deadlineOf(ctx context.Context, limit time.Duration) time.Time {
	deadline, limited := ctx.Deadline()
	if limit <= 0 {
		return deadline
	}
	if own := time.Now().Add(limit); !limited || own.Before(deadline) {
		return own
	}
	return deadline
}

// roundTrip is exchange over the transport's own ways.
func (c *Client) roundTrip(ctx context.Context, to *prepared, request Request) (reply, error) {
	sent := to.request.WithContext(ctx)
	if request.Traceparent != "" {
		sent.Header = sent.Header.Clone() // it is all requests' own
		sent.Header.Set("Traceparent", request.Traceparent)
	}
	sent.ContentLength = int64(len(request.Body))
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(request.Body)), nil }
	sent.Body, _ = sent.GetBody()
	response, err := c.transport.RoundTrip(sent)
	if err != nil {
		return reply{}, err
	}
	return replyOf(response, request.Into, c.options.MaxResponse)
}

// prepare returns the request that openai-go makes for a url, without a body.
// The lines of a batch differ in nothing else, so it is made once.
func (c *Client) prepare(url string) (*prepared, error) {
	if made, ok := c.prepared.Load(url); ok {
		return made.(*prepared), nil
	}
	path := strings.TrimPrefix(strings.TrimPrefix(url, "/"), "v1/")
	var kept keeper
	if err := c.api.Post(context.Background(), path, []byte("{}"), nil, option.WithHTTPClient(&kept)); err != nil {
		return nil, err
	}
	kept.request.Header, kept.request.Body = c.header, nil
	made := &prepared{request: kept.request}
	if d, ok := c.transport.(*direct); ok && d.takes(kept.request) {
		written, err := newWire(kept.request)
		if err != nil {
			return nil, err
		}
		made.direct, made.wire = d, written
	}
	c.prepared.Store(url, made)
	return made, nil
}

// keeper is an HTTP client that keeps the request instead of sending it.
type keeper struct{ request *http.Request }

// Do implements option.HTTPClient.
func (k *keeper) Do(request *http.Request) (*http.Response, error) {
	k.request = request
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

var errTooLarge = errors.New("the answer is larger than allowed")

// readBody reads a body of at most limit bytes into memory that is given, or
// into more. The length that the server announces saves copies, but only so much
// memory is taken on its word; below 0 it announces none.
func readBody(r io.Reader, announced int64, into []byte, limit int64) ([]byte, error) {
	const trusted = 256 << 10
	if announced > limit {
		return nil, errTooLarge
	}
	size := min(max(announced, 511), trusted)
	body := slices.Grow(into[:0], int(size)+1) // one more, to see the end without growing
	for {
		n, err := r.Read(body[len(body):cap(body)])
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
