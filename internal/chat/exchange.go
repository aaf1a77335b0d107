package chat

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// exchange is the HTTP client that openai-go is given for one request. It keeps
// the answer, so that nothing is copied on the way out, and so that an error's
// body is bounded before openai-go reads all of it.
type exchange struct {
	client *Client
	answer Answer // Status is 0 until the whole of it has been read
	header http.Header
}

// Do sends the request and reads the whole answer.
func (x *exchange) Do(request *http.Request) (*http.Response, error) {
	body, err := request.GetBody() // the same bytes, without the wrapper that hides them from net/http
	if err != nil {
		return nil, err
	}
	request.Body, request.Header = body, x.client.header
	response, err := x.client.http.Do(request)
	if err != nil {
		return nil, err
	}
	content, err := readBody(response, x.client.options.MaxResponse)
	_ = response.Body.Close() // all was read, or the connection is given up
	if err != nil {
		return nil, err
	}
	x.answer = Answer{Status: response.StatusCode, RequestID: requestID(response.Header), Body: content}
	x.header = response.Header
	response.Body = io.NopCloser(bytes.NewReader(content))
	return response, nil
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
