package batchfile

import (
	"errors"
	"fmt"
)

// resultKeys names the list that an answer to each url must hold.
var resultKeys = map[string]string{
	"/v1/chat/completions": `"choices"`,
	"/v1/completions":      `"choices"`,
	"/v1/embeddings":       `"data"`,
	"/v1/responses":        `"output"`,
}

// CheckAnswer says what is wrong with the body of an answer of status 2xx to a
// request with that url: servers that die send half a body, and gateways say
// something else altogether. A body that holds the list it should, not empty,
// is fine, whatever else it holds.
func CheckAnswer(url string, body []byte) error {
	want := resultKeys[url]
	filled := want == ""
	c := cursor{data: body}
	c.space()
	if c.peek() != '{' {
		return errors.New("the answer is not a JSON object")
	}
	for c.open('{'); c.member(); {
		if string(c.key) != want {
			c.value()
			continue
		}
		filled = c.filledList()
	}
	if !c.end() {
		return errors.New("the answer is not valid JSON")
	}
	if !filled {
		return fmt.Errorf("the answer has no %s", want)
	}
	return nil
}

// filledList passes over a value and reports whether it is a list with an
// element.
func (c *cursor) filledList() (filled bool) {
	if c.peek() != '[' {
		c.value()
		return false
	}
	for c.open('['); c.element(']'); {
		filled = true
		c.value()
	}
	return filled
}
