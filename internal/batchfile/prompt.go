package batchfile

// Ask is what a request asks for, as far as its body tells.
type Ask struct {
	TextBytes int64 // of its prompt: all text in messages, prompt, input, instructions and tools, data URLs left out
	Tokens    int64 // of its prompt where that is given in tokens
	Media     int64 // images and the like, as data URLs
	MaxOutput int64 // tokens that all its answers may have; 0 is not told
}

// promptKeys are the members of a body that hold its prompt.
var promptKeys = map[string]bool{`"messages"`: true, `"prompt"`: true, `"input"`: true, `"instructions"`: true, `"tools"`: true}

// Ask reads what the request asks for.
func (r Request) Ask() Ask {
	var ask Ask
	choices := int64(1)
	c := cursor{data: r.Body}
	for c.open('{'); c.member(); {
		switch key := string(c.key); {
		case promptKeys[key]:
			c.prompt(&ask)
		case key == `"max_tokens"`, key == `"max_completion_tokens"`, key == `"max_output_tokens"`:
			ask.MaxOutput = max(ask.MaxOutput, c.count())
		case key == `"n"`:
			choices = max(1, c.count())
		default:
			c.value()
		}
	}
	ask.MaxOutput *= choices
	return ask
}

// prompt takes a value and adds what it holds to ask.
func (c *cursor) prompt(ask *Ask) {
	switch next := c.peek(); {
	case next == '"':
		ask.add(c.raw())
	case next == '{':
		for c.open('{'); c.member(); {
			c.prompt(ask)
		}
	case next == '[':
		for c.open('['); c.element(']'); {
			c.prompt(ask)
		}
	case next == '-' || next-'0' <= 9:
		ask.Tokens++
		c.value()
	default:
		c.value()
	}
}

func (a *Ask) add(text token) {
	var scratch [4 << 10]byte
	const dataURL = `"data:`
	switch {
	case len(text) == 0:
	case len(text) > len(dataURL) && string(text[:len(dataURL)]) == dataURL:
		a.Media++
	default:
		a.TextBytes += int64(len(text.content(scratch[:0])))
	}
}
