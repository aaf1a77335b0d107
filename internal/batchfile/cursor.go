package batchfile

import (
	"bytes"
	"strconv"
)

// maxDepth is how deep arrays and objects may nest: the limit of encoding/json.
const maxDepth = 10000

// cursor walks one JSON text (RFC 8259, in valid UTF-8) from front to back, and
// checks its syntax on the way. Numbers are never converted and duplicate keys
// are allowed. After a fault every method returns false.
//
// An object is walked member by member, each value taken by one call:
//
//	for c.open('{'); c.member(); {
//		c.value()
//	}
type cursor struct {
	data  []byte
	at    int    // next byte
	key   token  // of the member whose value comes next
	fault string // why this is not JSON, without a word of its content
	depth int
	fresh bool // a container was just opened: no comma before its next element
}

// token is a JSON value as it was written.
type token []byte

// isString tells a string from the other values.
func (t token) isString() bool { return len(t) > 0 && t[0] == '"' }

// content is what a string stands for. It aliases the token, or is appended to
// scratch if the string has escapes.
func (t token) content(scratch []byte) []byte {
	inner := t[1 : len(t)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return unquote(scratch, inner)
}

// fail records the first fault.
func (c *cursor) fail(reason string) bool {
	if c.fault == "" {
		c.fault = reason
	}
	return false
}

// peek returns the next byte; 0, which starts nothing in JSON, at the end.
func (c *cursor) peek() byte {
	if c.at < len(c.data) {
		return c.data[c.at]
	}
	return 0
}

func (c *cursor) space() {
	for c.at < len(c.data) && isSpace(c.data[c.at]) {
		c.at++
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

// end reports whether nothing but white space is left, and nothing was wrong.
func (c *cursor) end() bool {
	if c.fault != "" {
		return false
	}
	c.space()
	if c.at < len(c.data) {
		return c.fail("unexpected data after the value")
	}
	return true
}

// open steps into the container that starts here with '{' or '['.
func (c *cursor) open(bracket byte) bool {
	switch {
	case c.fault != "":
		return false
	case c.peek() != bracket:
		return c.fail("expected " + strconv.QuoteRune(rune(bracket)))
	case c.depth == maxDepth:
		return c.fail("nested too deeply")
	}
	c.at++
	c.depth++
	c.fresh = true
	return true
}

// element moves to the next element of the container that bracket closes, and
// leaves the container when there is none.
func (c *cursor) element(bracket byte) bool {
	if c.fault != "" {
		return false
	}
	c.space()
	fresh := c.fresh
	c.fresh = false
	switch next := c.peek(); {
	case next == bracket:
		c.at++
		c.depth--
		return false
	case fresh:
		return true
	case next != ',':
		return c.fail("expected a comma or a closing bracket")
	}
	c.at++
	c.space()
	return true
}

// member moves to the value of the object's next member and sets key.
func (c *cursor) member() bool {
	if !c.element('}') {
		return false
	}
	start := c.at
	if !c.text() {
		return false
	}
	c.key = c.data[start:c.at]
	c.space()
	if c.peek() != ':' {
		return c.fail("expected a colon after a key")
	}
	c.at++
	c.space()
	return true
}

// value takes one value of any kind.
func (c *cursor) value() bool {
	if c.fault != "" {
		return false
	}
	switch c.peek() {
	case '"':
		return c.text()
	case '{':
		for c.open('{'); c.member(); {
			c.value()
		}
		return c.fault == ""
	case '[':
		for c.open('['); c.element(']'); {
			c.value()
		}
		return c.fault == ""
	case 't':
		return c.literal("true")
	case 'f':
		return c.literal("false")
	case 'n':
		return c.literal("null")
	}
	return c.number()
}

// raw takes one value and returns it as written, or nil after a fault.
func (c *cursor) raw() token {
	start := c.at
	if !c.value() {
		return nil
	}
	return c.data[start:c.at]
}

func (c *cursor) literal(word string) bool {
	if !bytes.HasPrefix(c.data[c.at:], []byte(word)) {
		return c.fail("expected a value")
	}
	c.at += len(word)
	return true
}

func (c *cursor) number() bool {
	if c.peek() == '-' {
		c.at++
	}
	switch {
	case c.peek() == '0':
		c.at++
	case !c.digits():
		return c.fail("expected a value")
	}
	if c.peek() == '.' {
		c.at++
		if !c.digits() {
			return c.fail("expected a digit after the decimal point")
		}
	}
	if c.peek()|0x20 == 'e' {
		c.at++
		if sign := c.peek(); sign == '+' || sign == '-' {
			c.at++
		}
		if !c.digits() {
			return c.fail("expected a digit in the exponent")
		}
	}
	return true
}

// digits takes decimal digits and reports whether there were any.
func (c *cursor) digits() bool {
	start := c.at
	for c.at < len(c.data) && c.data[c.at]-'0' <= 9 {
		c.at++
	}
	return c.at > start
}
