package sim

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
)

// span is a part of a request body, from the first byte to before the last.
type span struct{ from, to int }

// request is what the data plane needs to know of a request body. The body is
// checked and then walked once, at its top level only: prompts can be large
// and nothing depends on what they say.
type request struct {
	model  span // of the value, quotes included
	prompt span // messages, prompt or input

	limit      int // tokens of the answer; 0 is no limit
	inputs     int // prompts, messages or texts to embed
	dimensions int // of an embedding

	problem, param string // why it must be refused, and for which parameter
}

// What bounds the size of an answer; 2048 is also the service's own limit.
const (
	maxInputs         = 2048
	maxDimensions     = 4096
	defaultDimensions = 32
)

// parseRequest reads a body whose prompt is the member of that name.
func parseRequest(body []byte, prompt string) request {
	q := request{inputs: 1, dimensions: defaultDimensions}
	if !json.Valid(body) || bytes.TrimLeft(body, jsonSpace)[0] != '{' {
		q.refuse("", "The body is not a JSON object.")
		return q
	}
	for name, at := range members(body) {
		value := body[at.from:at.to]
		switch string(name) {
		case "model":
			q.model = at
		case prompt:
			q.readPrompt(value, at)
		case "max_tokens", "max_completion_tokens", "max_output_tokens":
			q.readCount(string(name), value, &q.limit)
		case "dimensions":
			q.readCount(string(name), value, &q.dimensions)
		case "stream":
			if string(value) == "true" {
				q.refuse("stream", "The simulated data plane does not stream.")
			}
		}
	}
	q.complete(body, prompt)
	return q
}

func (q *request) refuse(param, problem string) {
	if q.problem == "" {
		q.param, q.problem = param, problem
	}
}

func (q *request) readPrompt(value []byte, at span) {
	q.prompt = at
	if value[0] == '[' {
		q.inputs = countInputs(value)
	}
}

func (q *request) readCount(name string, value []byte, into *int) {
	if string(value) == "null" {
		return
	}
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 1 {
		q.refuse(name, "'"+name+"' must be a whole number of at least 1.")
		return
	}
	*into = n
}

// complete refuses a request that lacks what it needs.
func (q *request) complete(body []byte, prompt string) {
	if q.model == (span{}) || body[q.model.from] != '"' {
		q.refuse("model", "You must provide a model parameter.")
	}
	value := body[q.prompt.from:q.prompt.to]
	switch {
	case len(value) == 0:
		q.refuse(prompt, "Missing required parameter: '"+prompt+"'.")
	case value[0] != '[' && (value[0] != '"' || prompt == "messages"):
		q.refuse(prompt, "'"+prompt+"' has the wrong type.")
	case q.inputs == 0 || q.inputs > maxInputs:
		q.refuse(prompt, "'"+prompt+"' must have 1 to 2048 items.")
	}
	if q.dimensions > maxDimensions {
		q.refuse("dimensions", "'dimensions' must be at most 4096.")
	}
}

// countInputs counts what an array stands for: its messages, strings or token
// arrays, or one if it is itself an array of tokens.
func countInputs(array []byte) int {
	n := 0
	for i := skipSpace(array, 1); array[i] != ']'; n++ {
		if array[i] != '"' && array[i] != '[' && array[i] != '{' {
			return 1
		}
		i = skipSpace(array, skipValue(array, i))
		if array[i] == ',' {
			i = skipSpace(array, i+1)
		}
	}
	return n
}

// members yields the top-level members of a valid JSON object: each name as it
// is written, and where its value lies.
func members(body []byte) iter.Seq2[[]byte, span] {
	return func(yield func([]byte, span) bool) {
		i := skipSpace(body, bytes.IndexByte(body, '{')+1)
		for body[i] != '}' {
			end := skipValue(body, i)
			name := body[i+1 : end-1]
			from := skipSpace(body, skipSpace(body, end)+1)
			to := skipValue(body, from)
			if !yield(name, span{from, to}) {
				return
			}
			i = skipSpace(body, to)
			if body[i] == ',' {
				i = skipSpace(body, i+1)
			}
		}
	}
}

const jsonSpace = " \t\r\n"

func skipSpace(body []byte, i int) int {
	for body[i] <= ' ' {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i of a valid JSON text
// ends.
func skipValue(body []byte, i int) int {
	switch body[i] {
	case '"':
		return skipString(body, i)
	case '{', '[':
		return skipNested(body, i)
	}
	for i < len(body) && strings.IndexByte(",]}"+jsonSpace, body[i]) < 0 {
		i++
	}
	return i
}

func skipString(body []byte, i int) int {
	for i++; body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func skipNested(body []byte, i int) int {
	for depth := 0; ; i++ {
		switch body[i] {
		case '"':
			i = skipString(body, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// key returns the model that the body asks for. An escape in it is rare, and
// only then costs a decoder.
func (q request) key(body []byte) []byte {
	quoted := body[q.model.from:q.model.to]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var key string
	_ = json.Unmarshal(quoted, &key) // it is a valid string
	return []byte(key)
}
