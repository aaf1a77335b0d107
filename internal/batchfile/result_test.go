package batchfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nightshift-run/nightshift/internal/golden"
)

func TestAppendResult_Golden(t *testing.T) {
	t.Parallel()
	id := []byte(`"a-1"`)
	var got []byte
	for _, r := range []Result{
		{Index: 0, CustomID: id, Status: 200, RequestID: "req-1", Body: []byte(`{"id":"x","usage":{"prompt_tokens":1}}`)},
		{Index: 1, CustomID: []byte(`"\u00e9 \"é\" \/"`), Status: 201, Body: []byte(" {\"seed\": 9007199254740993} \r\n")},
		{Index: 2, CustomID: id, Status: 200, Body: []byte("{\n  \"text\": \"two  spaces <b>\",\n  \"n\": [1.50, 2]\n}\n")},
		{Index: 3, CustomID: id, Status: 400, RequestID: `quo"ted`, Body: []byte(`{"error":{"message":"too long","type":"invalid_request_error"}}`)},
		{Index: 4, CustomID: id, Status: 502, Body: []byte("<html>\n\t<b>\"Bad\" gateway</b>\x00\xff\u2028</html>")},
		{Index: 5, CustomID: id, Status: 500},
		{Index: 999_999_999_999, CustomID: id, Error: &ResultError{Code: CodeBatchExpired, Message: "the deadline passed before this request ran"}},
		{Index: 6, CustomID: id, Status: 200, Body: []byte(`{}`), Error: &ResultError{Code: CodeConnectionError, Message: "connection \"reset\"\n"}},
	} {
		got = AppendResult(got, "nightly-summaries", r)
	}
	golden.Check(t, "testdata/results.golden.jsonl", got)
}

func TestResult_Failed(t *testing.T) {
	t.Parallel()
	for status, failed := range map[int]bool{0: true, 199: true, 200: false, 204: false, 299: false, 300: true, 400: true, 429: true, 500: true} {
		if r := (Result{Status: status}); r.Failed() != failed {
			t.Errorf("%d: failed %v", status, r.Failed())
		}
	}
	if r := (Result{Status: 200, Error: &ResultError{}}); !r.Failed() {
		t.Error("an error must fail")
	}
}

func TestAppendResult_InvalidBodyIsCut(t *testing.T) {
	t.Parallel()
	line := AppendResult(nil, "job", Result{CustomID: []byte(`"a"`), Status: 200, Body: []byte("{" + strings.Repeat("x", 1<<20))})
	var got struct {
		Response struct {
			Body struct {
				Error struct{ Message, Type string }
			}
		}
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if e := got.Response.Body.Error; len(e.Message) != maxInvalidBody || e.Type != "invalid_response_body" {
		t.Errorf("%d bytes, type %q", len(e.Message), e.Type)
	}
}

func TestReadResult(t *testing.T) {
	t.Parallel()
	body := []byte(`{"usage":{"prompt_tokens":3,"completion_tokens":2}}`)
	usage := Usage{InputTokens: 3, OutputTokens: 2}
	for _, row := range []struct {
		name   string
		result Result
		failed bool
		usage  Usage
	}{
		{"answered", Result{Index: 7, Status: 200, Body: body}, false, usage},
		{"refused", Result{Index: 8, Status: 400, Body: body}, true, usage},
		{"never answered", Result{Index: 9, Error: &ResultError{Code: CodeRequestTimeout}}, true, Usage{}},
		{"not JSON", Result{Index: 10, Status: 200, Body: []byte("usage")}, false, Usage{}},
		{"a list", Result{Index: 11, Status: 200, Body: []byte("[1]")}, false, Usage{}},
	} {
		row.result.CustomID = []byte(`"a"`)
		line := AppendResult(nil, "job", row.result)
		for _, line := range [][]byte{line, bytes.TrimSuffix(line, []byte("\n"))} {
			index, failed, usage, err := ReadResult(line)
			if index != row.result.Index || failed != row.failed || usage != row.usage || err != nil {
				t.Errorf("%s: %d %v %v %v", row.name, index, failed, usage, err)
			}
		}
	}
}

func TestReadResult_NotOurs(t *testing.T) {
	t.Parallel()
	line := string(AppendResult(nil, "job", Result{Index: 5, CustomID: []byte(`"a"`), Status: 200, Body: []byte(`{}`)}))
	for name, text := range map[string]string{
		"empty":           "",
		"another object":  `{"id":"batch_123","object":"batch","created_at":1711471533}`,
		"index too short": strings.Replace(line, "000000000005", "5", 1),
		"index not one":   strings.Replace(line, "000000000005", "00000000000x", 1),
		"signed index":    strings.Replace(line, "000000000005", "+00000000005", 1),
		"cut":             line[:len(line)-3],
		"two at once":     line + line,
	} {
		if _, _, _, err := ReadResult([]byte(text)); err == nil {
			t.Errorf("%s: accepted %s", name, text)
		}
	}
}

// FuzzResult feeds any answer: the line must be one line of valid JSON that
// says the same as the answer did.
func FuzzResult(f *testing.F) {
	f.Add(int64(0), "id", 200, "req", []byte(`{"usage":{"input_tokens":5}}`), "", "")
	f.Add(int64(1), "\u2028", 500, "\xff", []byte("{\r\n}\n"), "", "")
	f.Add(int64(2), "a\"", 0, "", []byte("no\njson"), "batch_expired", "late\n")
	f.Fuzz(func(t *testing.T, index int64, id string, status int, request string, body []byte, code, message string) {
		index = max(0, index%1e12)
		customID, _ := json.Marshal(id)
		r := Result{Index: index, CustomID: customID, Status: status, RequestID: request, Body: body}
		if code != "" {
			r.Error = &ResultError{Code: code, Message: message}
		}
		line := AppendResult(nil, "job", r)
		if bytes.IndexByte(line, '\n') != len(line)-1 || bytes.IndexByte(line, '\r') >= 0 || !json.Valid(line) || !utf8.Valid(line) {
			t.Fatalf("not one line of JSON: %q", line)
		}
		got, failed, usage, err := ReadResult(line)
		if err != nil || got != index || failed != r.Failed() {
			t.Fatalf("%d %v %v: %q", got, failed, err, line)
		}
		if r.Error == nil && usage != ReadUsage(body) {
			t.Fatalf("usage %v, want %v: %q", usage, ReadUsage(body), line)
		}
		if r.Error == nil {
			checkAnswer(t, line, body)
		}
	})
}

// checkAnswer compares the line's body with the answer's, white space aside.
func checkAnswer(t *testing.T, line, body []byte) {
	var got struct {
		Response struct{ Body json.RawMessage }
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	var want, have bytes.Buffer
	if !utf8.Valid(body) || json.Compact(&want, body) != nil {
		want.Reset()
	}
	if err := json.Compact(&have, got.Response.Body); err != nil {
		t.Fatal(err)
	}
	if want.Len() > 0 && want.String() != have.String() {
		t.Fatalf("body %s, want %s", have.String(), want.String())
	}
	if want.Len() == 0 && !strings.Contains(have.String(), "invalid_response_body") {
		t.Fatalf("body %q became %s", body, have.String())
	}
}
