package batchfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// The codes of requests that never got an answer. OpenAI has the first three;
// the others are ours.
const (
	CodeBatchExpired    = "batch_expired"   // the deadline or the budget was reached before it ran
	CodeBatchCancelled  = "batch_cancelled" // the batch was cancelled before it ran
	CodeRequestTimeout  = "request_timeout" // no answer in time
	CodeBatchFailed     = "batch_failed"    // the job ended badly before it could run
	CodeConnectionError = "connection_error"
)

// maxInvalidBody is how much is kept of an answer that is not JSON, in bytes.
const maxInvalidBody = 2 << 10

// Result is what became of one request.
type Result struct {
	Index     int64  // of the request over all inputs, below 10^12
	CustomID  []byte // JSON string as the request has it, with its quotes; nil, where it cannot be known, is null
	Status    int    // of the HTTP answer
	RequestID string // from the answer's headers; may be empty
	Body      []byte // of the answer, as received
	Sound     bool   // ReadAnswer has found Body to be an answer, and this its Usage
	Usage     Usage
	Error     *ResultError
}

// ResultError says why there was no HTTP answer. The answer's fields are not
// looked at then.
type ResultError struct {
	Code    string
	Message string
}

// Failed reports whether the result's line belongs into the error file: all but
// those answered with 2xx do.
func (r Result) Failed() bool { return r.Error != nil || !success(r.Status) }

func success(status int) bool { return status/100 == 2 }

// AppendResult appends the result's line to dst, LF included, in the form of
// OpenAI's output and error files. Its id is a function of the job and the
// index: "batch_req_", 8 hexadecimal digits of the job, 12 decimal digits. A
// body that spans lines is compacted. One that is not JSON in UTF-8 becomes an
// error object of type invalid_response_body with the first 2 KiB as message.
func AppendResult(dst []byte, job string, r Result) []byte {
	dst = append(dst, `{"id":"`...)
	dst = appendID(dst, job, r.Index)
	dst = append(dst, `","custom_id":`...)
	if r.CustomID == nil {
		dst = append(dst, "null"...)
	}
	dst = append(dst, r.CustomID...)
	if r.Error != nil {
		dst = append(dst, `,"response":null,"error":{"code":`...)
		dst = appendQuoted(dst, r.Error.Code)
		dst = append(dst, `,"message":`...)
		dst = appendQuoted(dst, r.Error.Message)
		return append(dst, "}}\n"...)
	}
	dst = append(dst, `,"response":{"status_code":`...)
	dst = strconv.AppendInt(dst, int64(r.Status), 10)
	dst = append(dst, `,"request_id":`...)
	dst = appendQuoted(dst, r.RequestID)
	dst = append(dst, `,"body":`...)
	dst = appendResponseBody(dst, r.Body, r.Sound)
	return append(dst, "},\"error\":null}\n"...)
}

// appendID appends the id of a job's result: of the same length for all indexes
// below 10^12.
func appendID(dst []byte, job string, index int64) []byte {
	dst = append(dst, idPrefix...)
	dst = appendPadded(dst, uint64(jobDigest(job)), 16, 8)
	return appendPadded(dst, uint64(index), 10, idDigits)
}

// jobDigest is the 32-bit FNV-1a of a job's id.
func jobDigest(job string) uint32 {
	sum := uint32(2166136261)
	for _, b := range []byte(job) {
		sum = (sum ^ uint32(b)) * 16777619
	}
	return sum
}

// appendPadded appends a number with zeros before it up to so many digits.
func appendPadded(dst []byte, n uint64, base, digits int) []byte {
	const zeros = "000000000000"
	var number [64]byte
	text := strconv.AppendUint(number[:0], n, base)
	dst = append(dst, zeros[:max(0, digits-len(text))]...)
	return append(dst, text...)
}

func appendResponseBody(dst, body []byte, sound bool) []byte {
	value := bytes.TrimSpace(body)
	if !sound {
		c := cursor{data: body}
		c.space()
		value = c.raw()
		sound = c.end()
	}
	switch {
	case !sound:
		dst = append(dst, `{"error":{"message":`...)
		dst = appendQuoted(dst, string(body[:min(len(body), maxInvalidBody)]))
		return append(dst, `,"type":"invalid_response_body"}}`...)
	case bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0:
		return append(dst, value...)
	}
	compact := bytes.NewBuffer(dst)
	// The only error is that of a value that is not JSON.
	_ = json.Compact(compact, value)
	return compact.Bytes()
}

const (
	idPrefix = "batch_req_"
	idDigits = 12
	idStart  = len(`{"id":"`) + len(idPrefix) + 8 // of the digits in a line
)

var errNotResult = errors.New("not a result line")

// ResultIndex reads the index from the start of a line of AppendResult.
func ResultIndex(line []byte) (int64, error) {
	if len(line) <= idStart+idDigits || !bytes.HasPrefix(line, []byte(`{"id":"`+idPrefix)) || line[idStart+idDigits] != '"' {
		return 0, errNotResult
	}
	index, err := strconv.ParseUint(string(line[idStart:idStart+idDigits]), 10, 63)
	if err != nil {
		return 0, errNotResult
	}
	return int64(index), nil
}

// ReadResult reads from a line of AppendResult what a report counts.
func ReadResult(line []byte) (index int64, failed bool, usage Usage, err error) {
	index, err = ResultIndex(line)
	if err != nil {
		return 0, false, Usage{}, err
	}
	failed = true
	c := cursor{data: line}
	for c.open('{'); c.member(); {
		if string(c.key) == `"response"` && c.peek() == '{' {
			failed, usage = readResponse(&c)
		} else {
			c.value()
		}
	}
	if !c.end() {
		return 0, false, Usage{}, fmt.Errorf("result line of request %d: %s", index, c.fault)
	}
	return index, failed, usage, nil
}

func readResponse(c *cursor) (failed bool, usage Usage) {
	failed = true
	for c.open('{'); c.member(); {
		switch string(c.key) {
		case `"status_code"`:
			failed = !success(int(c.count()))
		case `"body"`:
			usage = c.usage()
		default:
			c.value()
		}
	}
	return failed, usage
}
