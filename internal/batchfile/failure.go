package batchfile

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Failure is what a report says of a line of the errors file.
type Failure struct {
	Class    string // "HTTP 422" where there was an answer, else the error's code
	CustomID []byte // JSON string, as in Result; valid as long as the line
}

// Name is the custom_id itself; empty if it is not known.
func (f Failure) Name() string {
	var name string
	_ = json.Unmarshal(f.CustomID, &name) // a line of AppendResult has a string here, or null
	return name
}

// ReadFailure reads a line of AppendResult whose request failed. Nothing of the
// answer's body is looked at.
func ReadFailure(line []byte) (Failure, error) {
	var failure Failure
	c := cursor{data: line}
	for c.open('{'); c.member(); {
		switch {
		case string(c.key) == `"custom_id"`:
			failure.CustomID = c.raw()
		case string(c.key) == `"response"` && c.peek() == '{':
			failure.Class = "HTTP " + strconv.FormatInt(c.countIn(`"status_code"`), 10)
		case string(c.key) == `"error"` && c.peek() == '{':
			failure.Class = c.textIn(`"code"`)
		default:
			c.value()
		}
	}
	if !c.end() || failure.Class == "" {
		return Failure{}, fmt.Errorf("%w: %s", errNotResult, c.fault)
	}
	return failure, nil
}

// textIn takes an object and returns the string of one key.
func (c *cursor) textIn(key string) (text string) {
	for c.open('{'); c.member(); {
		if string(c.key) != key {
			c.value()
			continue
		}
		if value := c.raw(); value.isString() {
			text = string(value.content(nil))
		}
	}
	return text
}
