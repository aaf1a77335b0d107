package batchfile

import (
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// text takes the string that starts here.
func (c *cursor) text() bool {
	if c.peek() != '"' {
		return c.fail("expected a string")
	}
	data, i := c.data, c.at+1
	for {
		i += plainRun(data[i:])
		if i == len(data) {
			c.at = i
			return c.fail("a string does not end")
		}
		n, reason := 0, ""
		switch b := data[i]; {
		case b == '"':
			c.at = i + 1
			return true
		case b == '\\':
			n, reason = escapeLen(data[i:]), "an escape that JSON does not know"
		case b < ' ':
			reason = "a control character in a string"
		default:
			n, reason = runesLen(data[i:]), "a string is not valid UTF-8"
		}
		if n == 0 {
			c.at = i
			return c.fail(reason)
		}
		i += n
	}
}

// plainRun counts the bytes at the start of b that stand for themselves in a
// string: ASCII but for quote, backslash and control characters.
func plainRun(b []byte) int {
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		if m := unplain(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b) && unplain(uint64(b[i])|blanks) == 0; i++ {
	}
	return i
}

const (
	ones   = 0x0101010101010101
	highs  = 0x80 * ones
	blanks = ' ' * (ones - 1) // eight plain bytes, but for the lowest
)

// unplain looks at eight bytes at once. The lowest bit set in its result is in
// the first byte that is not plain; a borrow can make higher bits wrong, never
// lower ones.
func unplain(w uint64) uint64 {
	control := w - ' '*ones
	quote := (w ^ '"'*ones) - ones
	backslash := (w ^ '\\'*ones) - ones
	return (control | quote | backslash | w) & highs
}

// escapeLen returns the length of the escape at the start of b, or 0.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(b[2:]) >= 0 {
			return 6
		}
	}
	return 0
}

// runesLen returns the length of the multi-byte runes at the start of b, or 0
// if one of them is not valid UTF-8.
func runesLen(b []byte) int {
	i := 0
	for i < len(b) && b[i] >= utf8.RuneSelf {
		_, n := utf8.DecodeRune(b[i:])
		if n == 1 {
			return 0
		}
		i += n
	}
	return i
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte) rune {
	var two [2]byte
	if len(b) < 4 {
		return -1
	}
	if _, err := hex.Decode(two[:], b[:4]); err != nil {
		return -1
	}
	return rune(binary.BigEndian.Uint16(two[:]))
}

// unquote appends what the inside of a valid JSON string stands for. Half a
// surrogate pair becomes U+FFFD, as in encoding/json.
func unquote(dst, inner []byte) []byte {
	for len(inner) > 0 {
		switch {
		case inner[0] != '\\':
			dst = append(dst, inner[0])
			inner = inner[1:]
		case inner[1] != 'u':
			dst = append(dst, unescape(inner[1]))
			inner = inner[2:]
		default:
			r, n := unescapeRune(inner)
			dst = utf8.AppendRune(dst, r)
			inner = inner[n:]
		}
	}
	return dst
}

// unescapeRune reads one \u escape, or two that are a surrogate pair, and
// returns their length.
func unescapeRune(b []byte) (rune, int) {
	r := hex4(b[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(b[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// unescape returns what a one-letter escape stands for.
func unescape(letter byte) byte {
	switch letter {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return letter
}

// appendQuoted appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD; the line separators that JavaScript knows are escaped, so that no
// reader of lines mistakes them for a line's end.
func appendQuoted(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029:
			dst = append(dst, '\\', 'u', digits[r>>12], digits[r>>8&15], digits[r>>4&15], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
