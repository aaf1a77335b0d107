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

// ReadAnswer reads the body of an answer of status 2xx to a request with that
// url, once for all that is asked of it: its usage, as [ReadUsage] has it, or
// what is wrong with it. Servers that die send half a body, and gateways say
// something else altogether. A body that holds the list it should, not empty,
// is fine, whatever else it holds.
func ReadAnswer(url string, body []byte) (usage Usage, err error) {
	want := resultKeys[url]
	filled := want == ""
	c := cursor{data: body}
	c.space()
	if c.peek() != '{' {
		return Usage{}, errors.New("the answer is not a JSON object")
	}
	for c.open('{'); c.member(); {
		switch key := string(c.key); {
		case key == want:
			filled = c.filledList()
		case key == `"usage"` && c.peek() == '{':
			usage = c.usageObject()
		default:
			c.value()
		}
	}
	if !c.end() {
		return Usage{}, errors.New("the answer is not valid JSON")
	}
	if !filled {
		return Usage{}, fmt.Errorf("the answer has no %s", want)
	}
	return usage, nil
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
