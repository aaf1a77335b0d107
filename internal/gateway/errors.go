package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer that is no success, in OpenAI's form.
type apiError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.Message) }

// The types of errors.
const (
	invalidRequest = "invalid_request_error"
	serverError    = "server_error"
)

// invalid is an answer 400; param and code may be empty.
func invalid(param, code, format string, args ...any) *apiError {
	return refusal(http.StatusBadRequest, invalidRequest, param, code, fmt.Sprintf(format, args...))
}

func refusal(status int, kind, param, code, message string) *apiError {
	return &apiError{status: status, Message: message, Type: kind, Param: orNull(param), Code: orNull(code)}
}

// orNull makes null of what is empty.
func orNull[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func missingParameter(name string) *apiError {
	return invalid(name, "missing_required_parameter", "Missing required parameter: '%s'.", name)
}

func invalidValue(name, value string, supported ...string) *apiError {
	return invalid(name, "invalid_value", "Invalid value: '%s'. Supported values are: %s.", shortened(value), quoted(supported))
}

func quoted(names []string) string {
	var list []string
	for _, name := range names {
		list = append(list, "'"+name+"'")
	}
	switch last := len(list) - 1; {
	case last < 0:
		return "none"
	case last == 0:
		return list[0]
	case last == 1:
		return list[0] + " and " + list[1]
	default:
		return strings.Join(list[:last], ", ") + ", and " + list[last]
	}
}

// shortened bounds what is repeated of a request.
func shortened(text string) string {
	const most = 100
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

func noFile(id string) *apiError {
	return refusal(http.StatusNotFound, invalidRequest, "id", "", "No such File object: "+shortened(id))
}

func noBatch(id string) *apiError {
	return refusal(http.StatusNotFound, invalidRequest, "", "", "No batch found with id '"+shortened(id)+"'.")
}

func noUpload(id string) *apiError {
	return refusal(http.StatusNotFound, invalidRequest, "", "", "No such Upload object: "+shortened(id))
}

func noModel(id string) *apiError {
	return refusal(http.StatusNotFound, invalidRequest, "model", "model_not_found", "The model '"+shortened(id)+"' does not exist or you do not have access to it.")
}

func conflict(message string) *apiError {
	return refusal(http.StatusConflict, invalidRequest, "", "", message)
}

func tooLarge(what, limit string) *apiError {
	return refusal(http.StatusRequestEntityTooLarge, invalidRequest, "file", "file_too_large", what+" exceeds the "+limit+".")
}

// overLimit is of a tenant that has as much as it may have.
func overLimit(format string, args ...any) *apiError {
	return refusal(http.StatusTooManyRequests, "insufficient_quota", "", "quota_exceeded", fmt.Sprintf(format, args...))
}

// fail answers with an error. Errors that are none of the API's stay with the
// log: they can name buckets and keys.
func fail(w http.ResponseWriter, err error) {
	known, ok := errors.AsType[*apiError](err)
	if !ok {
		known = refusal(http.StatusServiceUnavailable, serverError, "", "", "The server had an error while processing your request. Please try again.")
	}
	if known.status == http.StatusConflict {
		w.Header().Set("x-should-retry", "false") // or OpenAI's clients would
	}
	answer(w, known.status, map[string]*apiError{"error": known})
	if away, ok := errors.AsType[*turnedAway](err); ok {
		away.rest()
	}
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, "encode the answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever hung up is not told
}
