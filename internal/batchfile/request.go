package batchfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxName is the longest custom_id and model, in characters. Most services stop
// at 64 for a custom_id; there is no reason to, but for bounded memory.
const maxName = 512

var supportedURLs = []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"}

// SupportedURL reports whether the lines of a batch may name url.
func SupportedURL(url string) bool { return slices.Contains(supportedURLs, url) }

// Request is one line of an input. Its slices alias the line. A field with a
// problem is zero.
type Request struct {
	CustomID []byte // JSON string as written, with its quotes
	Method   string // POST
	URL      string // one that SupportedURL accepts
	Body     []byte // JSON object as written

	model  token
	models spans
}

// spans are the places of a key's values in a body, in order. There are more
// than one only where the key is repeated.
type spans struct {
	first span
	more  []span
}

type span struct{ start, end int }

func (s *spans) add(start, end int) {
	if s.first.end == 0 {
		s.first = span{start, end}
		return
	}
	s.more = append(s.more, span{start, end})
}

// Model is the body's model, the last one if it is repeated; empty if it names
// none.
func (r Request) Model() string {
	if r.model == nil {
		return ""
	}
	return string(r.model.content(nil))
}

// AppendBody appends the body to dst, byte for byte but for model in place of
// the value of every top-level "model". A body without one gets it as its
// first member.
func (r Request) AppendBody(dst []byte, model string) []byte {
	first := r.models.first
	if first.end == 0 {
		dst = append(dst, `{"model":`...)
		dst = appendQuoted(dst, model)
		inner := cursor{data: r.Body, at: 1}
		if inner.space(); inner.peek() != '}' {
			dst = append(dst, ',')
		}
		return append(dst, r.Body[1:]...)
	}
	dst = appendQuoted(append(dst, r.Body[:first.start]...), model)
	at := first.end
	for _, next := range r.models.more {
		dst = appendQuoted(append(dst, r.Body[at:next.start]...), model)
		at = next.end
	}
	return append(dst, r.Body[at:]...)
}

// fields is what a line says, unchecked: JSON values as written, the last one
// where a key is repeated, nil where it is absent.
type fields struct {
	customID, method, url, body token
	stream, model               token // of body, if that is an object
	models                      spans
}

// Parse reads one line. It reports all of the line's problems, with File and
// Line left empty for the caller; a request with problems must not be sent.
func Parse(line []byte) (Request, []Problem) {
	c := cursor{data: line}
	var f fields
	c.space()
	isObject := c.peek() == '{'
	if isObject {
		f.read(&c)
	} else {
		c.value()
	}
	if !c.end() {
		return Request{}, []Problem{{Code: CodeInvalidJSONLine,
			Message: fmt.Sprintf("This line is not parseable as valid JSON. At byte %d: %s.", c.at+1, c.fault)}}
	}
	if !isObject {
		return Request{}, []Problem{{Code: CodeInvalidRequest,
			Message: "a line must be a JSON object with custom_id, method, url and body"}}
	}
	return f.check()
}

func (f *fields) read(c *cursor) {
	for c.open('{'); c.member(); {
		switch string(c.key.content(nil)) {
		case "custom_id":
			f.customID = c.raw()
		case "method":
			f.method = c.raw()
		case "url":
			f.url = c.raw()
		case "body":
			f.readBody(c)
		default:
			c.value()
		}
	}
}

func (f *fields) readBody(c *cursor) {
	f.stream, f.model, f.models = nil, nil, spans{}
	start := c.at
	if c.peek() != '{' {
		f.body = c.raw()
		return
	}
	for c.open('{'); c.member(); {
		switch string(c.key.content(nil)) {
		case "model":
			at := c.at - start
			f.model = c.raw()
			f.models.add(at, c.at-start)
		case "stream":
			f.stream = c.raw()
		default:
			c.value()
		}
	}
	f.body = c.data[start:c.at]
}

// check turns the fields into a request.
func (f *fields) check() (Request, []Problem) {
	var r Request
	var found findings
	if found.need("custom_id", f.customID) {
		r.CustomID = f.checkCustomID(&found)
	}
	if found.need("method", f.method) {
		if f.method.isString() && string(f.method.content(nil)) == "POST" {
			r.Method = "POST"
		} else {
			found.add(CodeInvalidRequest, "method", `method must be "POST"`)
		}
	}
	if found.need("url", f.url) {
		r.URL = f.checkURL(&found)
	}
	if found.need("body", f.body) {
		if f.body[0] == '{' {
			r.Body, r.models = f.body, f.models
		} else {
			found.add(CodeInvalidRequest, "body", "body must be an object")
		}
	}
	f.checkStream(&found)
	r.model = f.checkModel(&found)
	return r, found
}

func (f *fields) checkCustomID(found *findings) token {
	if f.customID.isName() {
		return f.customID
	}
	found.add(CodeInvalidRequest, "custom_id", fmt.Sprintf("custom_id must be a string of 1 to %d characters", maxName))
	return nil
}

// isName tells a string of 1 to maxName characters.
func (t token) isName() bool {
	if !t.isString() || len(t) == len(`""`) {
		return false
	}
	// A character takes at least a byte, so most need no counting.
	return len(t) <= maxName || utf8.RuneCount(t.content(nil)) <= maxName
}

func (f *fields) checkURL(found *findings) string {
	if !f.url.isString() {
		found.add(CodeInvalidRequest, "url", "url must be a string")
		return ""
	}
	var scratch [64]byte // some encoders write every slash as \/
	url := f.url.content(scratch[:0])
	for _, supported := range supportedURLs {
		if string(url) == supported {
			return supported
		}
	}
	found.add(CodeInvalidURL, "url", fmt.Sprintf("url %s is not supported; try one of: %s",
		quote(string(url)), strings.Join(supportedURLs, ", ")))
	return ""
}

func (f *fields) checkStream(found *findings) {
	switch string(f.stream) {
	case "", "false", "null":
	case "true":
		found.add(CodeStreamingUnsupported, "body.stream", "a batch cannot stream; try: body.stream false, or without it")
	default:
		found.add(CodeInvalidRequest, "body.stream", "body.stream must be a boolean")
	}
}

func (f *fields) checkModel(found *findings) token {
	if f.model != nil && !f.model.isName() {
		found.add(CodeInvalidRequest, "body.model", fmt.Sprintf("body.model must be a string of 1 to %d characters, or absent", maxName))
		return nil
	}
	return f.model
}

// findings are the problems of one line.
type findings []Problem

func (f *findings) add(code, param, message string) {
	*f = append(*f, Problem{Code: code, Param: param, Message: message})
}

// need reports whether a required field is there.
func (f *findings) need(param string, value token) bool {
	if value == nil {
		f.add(CodeMissingParameter, param, "Missing required parameter: '"+param+"'.")
	}
	return value != nil
}
