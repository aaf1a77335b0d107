package batchapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// Line is one line of an output or error file.
type Line struct {
	CustomID  string
	Status    int // of the answer; 0 if there was none, and then Code and Message say why
	RequestID string
	Body      json.RawMessage // of the answer, as written
	Code      string
	Message   string
}

// CodeProviderError is the code of an error line that has none of its own.
const CodeProviderError = "provider_error"

type wireLine struct {
	CustomID *string         `json:"custom_id"`
	Response json.RawMessage `json:"response"`
	Error    json.RawMessage `json:"error"`
}

type wireResponse struct {
	Status    provider.Maybe[int]    `json:"status_code"`
	RequestID provider.Maybe[string] `json:"request_id"`
	Body      json.RawMessage        `json:"body"`
	Error     json.RawMessage        `json:"error"`
}

// ReadLine reads a line in any of the forms that the providers give their
// results: OpenAI's, with a status and a body in the response; Nebius's, whose
// response is the body; Together's, with an error instead. Where a line has
// both a response and an error, the response counts. The line is not kept.
func ReadLine(text []byte) (Line, error) {
	var w wireLine
	if err := json.Unmarshal(text, &w); err != nil {
		return Line{}, errors.New("a line is not a JSON object")
	}
	if w.CustomID == nil {
		return Line{}, errors.New("a line has no custom_id")
	}
	line := Line{CustomID: *w.CustomID}
	switch {
	case isObject(w.Response):
		line.readResponse(w.Response)
	case isGiven(w.Error):
		line.readError(w.Error)
	default:
		return Line{}, errors.New("a line has neither response nor error")
	}
	return line, nil
}

func (l *Line) readResponse(text json.RawMessage) {
	var r wireResponse
	_ = json.Unmarshal(text, &r) // it is an object, and no field of it can fail
	l.RequestID = r.RequestID.Value
	switch {
	case r.Body != nil || r.Status.Known:
		l.Body, l.Status = r.Body, http.StatusOK
		if r.Status.Value > 0 {
			l.Status = r.Status.Value
		}
	case isGiven(r.Error):
		l.readError(r.Error)
	default:
		l.Body, l.Status = text, http.StatusOK
	}
}

// readError reads {"code", "message"}, or a text.
func (l *Line) readError(text json.RawMessage) {
	var e struct {
		Code    json.RawMessage        `json:"code"`
		Message provider.Maybe[string] `json:"message"`
	}
	if json.Unmarshal(text, &e) == nil {
		l.Code, l.Message = strings.Trim(string(e.Code), `"`), e.Message.Value
	} else {
		_ = json.Unmarshal(text, &l.Message) // a text, or something that says nothing
	}
	if l.Code == "" || l.Code == "null" {
		l.Code = CodeProviderError
	}
}

func isObject(value json.RawMessage) bool { return len(value) > 0 && value[0] == '{' }

func isGiven(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }
