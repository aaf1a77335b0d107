package batchfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// RequestSum stands for what a request asks: the first 64 bits of the SHA-256
// of its url and of its body as the input has it, the model in it included. It
// is kept with results, so it must never change. Two requests of one custom_id
// that differ have the same sum with a probability of 2⁻⁶⁴.
func RequestSum(url string, body []byte) uint64 {
	sum := sha256.New()
	sum.Write([]byte(url))
	sum.Write([]byte{'\n'})
	sum.Write(body)
	var digest [sha256.Size]byte
	return binary.BigEndian.Uint64(sum.Sum(digest[:0]))
}

// A part's line is a result line with the request's sum as one more member at
// its end. No line without one ends so: each ends in "null}" or "}}".
const (
	sumMember    = `,"request_sum":"`
	sumEnd       = `"}`
	sumMemberLen = len(sumMember) + 16 + len(sumEnd)
)

// AppendPart appends the result's line as parts have it: that of
// [AppendResult], and in it the sum of the request that it answers.
func AppendPart(dst []byte, job string, r Result, sum uint64) []byte {
	dst = AppendResult(dst, job, r)
	dst = append(dst[:len(dst)-len("}\n")], sumMember...)
	var digits [8]byte
	binary.BigEndian.PutUint64(digits[:], sum)
	dst = hex.AppendEncode(dst, digits[:])
	return append(append(dst, sumEnd...), '\n')
}

// PartSum reads the sum from a part's line. There is none in parts of older
// versions.
func PartSum(line []byte) (sum uint64, ok bool) {
	at := len(line) - sumMemberLen
	if at < 0 || !bytes.HasSuffix(line, []byte(sumEnd)) || !bytes.HasPrefix(line[at:], []byte(sumMember)) {
		return 0, false
	}
	var digits [8]byte
	if _, err := hex.Decode(digits[:], line[at+len(sumMember):len(line)-len(sumEnd)]); err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint64(digits[:]), true
}

// CutPart takes the sum out of a part's line, in the line's own memory, and
// returns the line of OpenAI's form that is left: the whole of a line without a
// sum.
func CutPart(line []byte) (result []byte, sum uint64, ok bool) {
	if sum, ok = PartSum(line); !ok {
		return line, 0, false
	}
	at := len(line) - sumMemberLen
	line[at] = '}'
	return line[:at+1], sum, true
}

// ResultID reads the custom_id, decoded, from a line of AppendResult. It
// aliases the line, or is appended to scratch if the custom_id has escapes.
func ResultID(line, scratch []byte) ([]byte, error) {
	if _, err := ResultIndex(line); err != nil {
		return nil, err
	}
	const member = `","custom_id":`
	rest, found := bytes.CutPrefix(line[idStart+idDigits:], []byte(member))
	if !found {
		return nil, errNotResult
	}
	c := cursor{data: rest}
	id := c.raw()
	if !id.isString() {
		return nil, errNotResult
	}
	return id.content(scratch), nil
}

// DecodedID is a request's custom_id as what it stands for: "a" and "\u0061" are
// the same. It aliases the request, or is appended to scratch if there are
// escapes.
func (r Request) DecodedID(scratch []byte) []byte { return token(r.CustomID).content(scratch) }

// Renumber makes a line of AppendResult, in its own memory, the answer to
// another job's request of that index.
func Renumber(line []byte, job string, index int64) error {
	if _, err := ResultIndex(line); err != nil {
		return err
	}
	appendID(line[len(`{"id":"`):len(`{"id":"`)], job, index)
	return nil
}
