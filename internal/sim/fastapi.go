package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// problem is one entry of FastAPI's list of what is wrong with a body.
type problem struct {
	Type  string         `json:"type"`
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Input any            `json:"input"`
	Ctx   map[string]any `json:"ctx,omitempty"`
}

// form reads a JSON object as a FastAPI service does: it ignores names that it
// does not know and reports everything that is wrong at once. Of a form that
// is not an object, nothing further is reported.
type form struct {
	fields   map[string]json.RawMessage
	loc      []any
	problems *[]problem
}

// parseForm reads a JSON object.
func parseForm(body []byte) form {
	f := form{loc: []any{"body"}, problems: new([]problem)}
	if err := json.Unmarshal(body, &f.fields); err != nil || f.fields == nil {
		kind, msg := "json_invalid", "JSON decode error"
		if json.Valid(body) {
			kind, msg = "model_attributes_type", "Input should be a valid dictionary or object to extract fields from"
		}
		*f.problems = append(*f.problems, problem{Type: kind, Loc: f.loc, Msg: msg, Input: map[string]any{}})
	}
	return f
}

// refusal returns the 422 reply if there were problems.
func (f form) refusal() (reply, bool) {
	if len(*f.problems) == 0 {
		return reply{}, false
	}
	return jsonReply(http.StatusUnprocessableEntity, map[string]any{"detail": *f.problems}), true
}

// has reports whether a field is there and not null.
func (f form) has(name string) bool {
	raw, there := f.fields[name]
	return there && string(raw) != "null"
}

// text reads a string of min to max characters.
func (f form) text(name string, min, max int) string {
	var s string
	if !f.decode(name, &s, "string_type", "Input should be a valid string") {
		return ""
	}
	switch n := len([]rune(s)); {
	case n < min:
		f.report(name, "string_too_short", fmt.Sprintf("String should have at least %d character", min),
			map[string]any{"min_length": min})
	case n > max:
		f.report(name, "string_too_long", fmt.Sprintf("String should have at most %d characters", max),
			map[string]any{"max_length": max})
	}
	return s
}

// oneOf reads a string that must be one of a list.
func (f form) oneOf(name string, values []string) string {
	var s string
	if !f.decode(name, &s, "string_type", "Input should be a valid string") {
		return ""
	}
	if !slices.Contains(values, s) {
		expected := "'" + strings.Join(values, "', '") + "'"
		f.report(name, "enum", "Input should be "+expected, map[string]any{"expected": expected})
	}
	return s
}

// number reads a whole number of at least min.
func (f form) number(name string, min int) int {
	var n int
	if !f.decode(name, &n, "int_type", "Input should be a valid integer") {
		return 0
	}
	if n < min {
		f.report(name, "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", min),
			map[string]any{"ge": min})
	}
	return n
}

// decimal reads a number that need not be whole.
func (f form) decimal(name string) float64 {
	var n float64
	f.decode(name, &n, "float_type", "Input should be a valid number")
	return n
}

// boolean reads true or false.
func (f form) boolean(name string) bool {
	var b bool
	f.decode(name, &b, "bool_type", "Input should be a valid boolean")
	return b
}

// object reads a nested object, empty if it is not there or not one.
func (f form) object(name string) form {
	inner := form{loc: append(slices.Clone(f.loc), name), problems: f.problems}
	f.decode(name, &inner.fields, "model_attributes_type", "Input should be a valid dictionary")
	return inner
}

// decode reads a required field, and reports it if it is missing or of the
// wrong type.
func (f form) decode(name string, into any, kind, message string) bool {
	raw, there := f.fields[name]
	switch {
	case f.fields == nil:
		return false
	case !there:
		f.report(name, "missing", "Field required", nil)
		return false
	case string(raw) == "null" || json.Unmarshal(raw, into) != nil:
		f.report(name, kind, message, nil)
		return false
	}
	return true
}

// report adds a problem with a field.
func (f form) report(name, kind, message string, ctx map[string]any) {
	var input any = f.fields
	if raw, there := f.fields[name]; there {
		input = raw
	}
	*f.problems = append(*f.problems, problem{kind, append(slices.Clone(f.loc), name), message, input, ctx})
}

// detail is FastAPI's error for everything but a bad body.
func detail(status int, message string) reply {
	return jsonReply(status, map[string]string{"detail": message})
}
