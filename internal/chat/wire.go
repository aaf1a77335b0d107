package chat

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// wire is a request as it goes over a connection, all but its body and the
// body's length.
type wire struct{ before, after []byte }

// newWire has net/http write a request whose body is empty as it would any.
func newWire(request *http.Request) (wire, error) {
	sample := request.Clone(request.Context())
	sample.Body, sample.ContentLength = io.NopCloser(bytes.NewReader([]byte("{}"))), 2
	var text bytes.Buffer
	if err := sample.Write(&text); err != nil {
		return wire{}, err
	}
	before, after, _ := bytes.Cut(text.Bytes(), []byte(lengthField+"2"))
	return wire{before, bytes.TrimSuffix(after, []byte("{}"))}, nil
}

// lengthField stands between what is before and what is after, and traceField
// before it where a request is traced.
const (
	lengthField = "\r\nContent-Length: "
	traceField  = "\r\nTraceparent: "
)

// append appends the request.
func (w wire) append(dst []byte, request Request) []byte {
	dst = append(dst, w.before...)
	if request.Traceparent != "" {
		dst = append(dst, traceField...)
		dst = append(dst, request.Traceparent...)
	}
	dst = append(dst, lengthField...)
	dst = strconv.AppendInt(dst, int64(len(request.Body)), 10)
	dst = append(dst, w.after...)
	return append(dst, request.Body...)
}

// reply is what is kept of an answer.
type reply struct {
	status           int
	requestID        string
	retryAfter       string // a header's, as it came
	retryAfterMillis string
	body             []byte
}

// replyOf reads an answer of net/http's to its end and closes its body.
func replyOf(response *http.Response, into []byte, limit int64) (reply, error) {
	defer response.Body.Close() // all was read, or the connection is given up
	body, err := readBody(response.Body, response.ContentLength, into, limit)
	if err != nil {
		return reply{}, err
	}
	return reply{
		status: response.StatusCode, requestID: bounded(response.Header.Get("X-Request-Id")), body: body,
		retryAfter: response.Header.Get("Retry-After"), retryAfterMillis: response.Header.Get("Retry-After-Ms"),
	}, nil
}

// bounded is as much of a request id as may get into every result line.
func bounded(id string) string { return id[:min(len(id), 128)] }

// plainHead is the header of an ordinary answer: of HTTP/1.1 and known length,
// after which the connection can be used again.
type plainHead struct {
	reply
	length int64
	sized  bool
}

// read reads a header that lies at the reader's front, and returns its size
// without taking it. Size 0 means that it is out of the ordinary, and net/http's
// to read or to refuse.
func (h *plainHead) read(r *bufio.Reader) (size int, err error) {
	text, _ := r.Peek(r.Buffered())
	for at := 0; ; {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			if len(text) == r.Size() {
				return 0, nil
			}
			if _, err := r.Peek(len(text) + 1); err != nil {
				return 0, err
			}
			text, _ = r.Peek(r.Buffered())
			continue
		}
		line, ended := bytes.CutSuffix(text[at:at+end], []byte("\r"))
		first := at == 0
		at += end + 1
		switch {
		case !ended:
			return 0, nil
		case first && !h.statusLine(line):
			return 0, nil
		case first:
		case len(line) == 0 && h.sized:
			return at, nil
		case len(line) == 0 || !h.field(line):
			return 0, nil
		}
	}
}

// statusLine takes an answer's first line, such as "HTTP/1.1 200 OK".
func (h *plainHead) statusLine(line []byte) bool {
	code, found := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !found || len(code) < 3 || len(code) > 3 && code[3] != ' ' {
		return false
	}
	status, err := strconv.Atoi(string(code[:3]))
	h.status = status
	return err == nil && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// field takes a line of a header.
func (h *plainHead) field(line []byte) bool {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || bytes.ContainsAny(name, " \t") {
		return false
	}
	value = bytes.Trim(value, " \t")
	switch {
	case is(name, "Content-Length"):
		length, err := strconv.ParseUint(string(value), 10, 63)
		again := h.sized
		h.length, h.sized = int64(length), true
		return err == nil && !again
	case is(name, "Transfer-Encoding"):
		return false
	case is(name, "Connection"):
		return is(value, "keep-alive")
	case is(name, "X-Request-Id"):
		h.requestID = bounded(string(value))
	case is(name, "Retry-After"):
		h.retryAfter = string(value)
	case is(name, "Retry-After-Ms"):
		h.retryAfterMillis = string(value)
	}
	return true
}

// is compares what may be written in large or small letters.
func is(text []byte, word string) bool {
	return len(text) == len(word) && bytes.EqualFold(text, []byte(word))
}
