package batchfile

import "strconv"

// Usage is what a request consumed, in tokens.
type Usage struct {
	InputTokens     int64 `json:"input_tokens"`
	CachedTokens    int64 `json:"cached_tokens"` // of the input
	OutputTokens    int64 `json:"output_tokens"`
	ReasoningTokens int64 `json:"reasoning_tokens"` // of the output
}

// Add adds v to u.
func (u *Usage) Add(v Usage) {
	u.InputTokens += v.InputTokens
	u.CachedTokens += v.CachedTokens
	u.OutputTokens += v.OutputTokens
	u.ReasoningTokens += v.ReasoningTokens
}

// ReadUsage reads the usage that a response body tells, in the words of chat
// completions or those of responses. What it does not tell, or not as a whole
// number of 0 or more, is 0; so is all of a body that is not a JSON object.
func ReadUsage(body []byte) Usage {
	c := cursor{data: body}
	c.space()
	usage := c.usage()
	if !c.end() {
		return Usage{}
	}
	return usage
}

// usage takes a response body.
func (c *cursor) usage() (usage Usage) {
	if c.peek() != '{' {
		c.value()
		return usage
	}
	for c.open('{'); c.member(); {
		if string(c.key) == `"usage"` && c.peek() == '{' {
			usage = c.usageObject()
		} else {
			c.value()
		}
	}
	return usage
}

func (c *cursor) usageObject() (usage Usage) {
	for c.open('{'); c.member(); {
		switch string(c.key) {
		case `"prompt_tokens"`, `"input_tokens"`:
			usage.InputTokens = c.count()
		case `"completion_tokens"`, `"output_tokens"`:
			usage.OutputTokens = c.count()
		case `"prompt_tokens_details"`, `"input_tokens_details"`:
			usage.CachedTokens = c.countIn(`"cached_tokens"`)
		case `"completion_tokens_details"`, `"output_tokens_details"`:
			usage.ReasoningTokens = c.countIn(`"reasoning_tokens"`)
		default:
			c.value()
		}
	}
	return usage
}

// countIn takes an object, or anything else, and returns the count of one key.
func (c *cursor) countIn(key string) (n int64) {
	if c.peek() != '{' {
		c.value()
		return 0
	}
	for c.open('{'); c.member(); {
		if string(c.key) == key {
			n = c.count()
		} else {
			c.value()
		}
	}
	return n
}

// count takes a value, and returns it if it is a whole number of 0 or more.
func (c *cursor) count() int64 {
	n, err := strconv.ParseUint(string(c.raw()), 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}
