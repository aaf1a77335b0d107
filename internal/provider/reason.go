package provider

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMessage = 300 // bytes of a provider's reason that are kept
	maxCode    = 80  // bytes of a code or request id
)

// reason reads why a call failed from the body of the answer: FastAPI's detail
// (a text, or a list of {loc, msg}), details (a list of {detail}, which says more
// than the message beside it), error (a text, or {message, code, type}),
// message, or the bare text of a body that is neither JSON nor HTML.
func reason(body []byte) (message, code string) {
	var value any
	if err := json.Unmarshal(body, &value); err == nil {
		return explain(value)
	}
	text := string(body)
	if strings.HasPrefix(http.DetectContentType(body), "text/plain") && !strings.HasPrefix(strings.TrimSpace(text), "<") {
		return text, ""
	}
	return "", ""
}

func explain(value any) (message, code string) {
	switch value := value.(type) {
	case string:
		return value, ""
	case []any:
		var messages []string
		for _, item := range value {
			if message, _ := explain(item); message != "" {
				messages = append(messages, message)
			}
		}
		return strings.Join(messages, "; "), ""
	case map[string]any:
		return explainObject(value)
	}
	return "", ""
}

func explainObject(object map[string]any) (message, code string) {
	for _, key := range []string{"detail", "details", "error", "message", "msg"} {
		var inner string
		if message, inner = explain(object[key]); inner != "" {
			code = inner
		}
		if message == "" {
			continue
		}
		if text, ok := object["message"].(string); ok && key == "error" && code == "" && text != "" {
			message, code = text, message // {"error": "some_code", "message": "the reason"}
		}
		break
	}
	if place := location(object["loc"]); place != "" && message != "" {
		message = place + ": " + message
	}
	for _, key := range []string{"code", "type"} {
		if code == "" {
			code = scalar(object[key])
		}
	}
	return message, code
}

// location writes FastAPI's path of a wrong field, ["body", "scaling", 0], as
// scaling.0.
func location(value any) string {
	steps, _ := value.([]any)
	var names []string
	for _, step := range steps {
		if name := scalar(step); name != "" && name != "body" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ".")
}

func scalar(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return ""
}

// say makes a provider's words fit for logs and histories: one line, without
// the token and the call's secret should they be echoed, at most limit bytes
// long.
func (c *Client) say(call Call, words string, limit int) string {
	words = oneLine(words)
	for _, secret := range []string{*c.token, call.Secret} {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, "[redacted]")
		}
	}
	return cut(words, limit)
}

// Clip makes a provider's words fit for logs and histories: one line of
// printable characters, at most limit bytes long.
func Clip(words string, limit int) string { return cut(oneLine(words), limit) }

func oneLine(words string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, words)
	return strings.Join(strings.Fields(printable), " ")
}

func cut(line string, limit int) string {
	const ellipsis = "…"
	if len(line) <= limit {
		return line
	}
	end := max(limit-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + ellipsis
}
