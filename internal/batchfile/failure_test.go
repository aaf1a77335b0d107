package batchfile

import (
	"strings"
	"testing"
)

func TestReadFailure(t *testing.T) {
	t.Parallel()
	const secret = `{"error":{"code":"secret prompt","message":"secret prompt"},"status_code":200}`
	for _, c := range []struct {
		result Result
		want   string
	}{
		{Result{Status: 422, Body: []byte(secret)}, "HTTP 422"},
		{Result{Status: 503, Body: []byte("secret prompt")}, "HTTP 503"},
		{Result{Error: &ResultError{Code: CodeBatchExpired, Message: "secret prompt"}}, CodeBatchExpired},
		{Result{Error: &ResultError{Code: "a \"b\"\n", Message: "m"}}, "a \"b\"\n"},
	} {
		c.result.CustomID = []byte(`"a\u00fc\""`)
		line := AppendResult(nil, "job", c.result)
		got, err := ReadFailure(line)
		if err != nil || got.Class != c.want || got.Name() != `aü"` {
			t.Errorf("%s: %q %q, %v", line, got.Class, got.Name(), err)
		}
	}
}

func TestReadFailure_WithoutCustomID(t *testing.T) {
	t.Parallel()
	got, err := ReadFailure(AppendResult(nil, "job", Result{Error: &ResultError{Code: CodeBatchFailed}}))
	if err != nil || got.Class != CodeBatchFailed || got.Name() != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadFailure_NotOne(t *testing.T) {
	t.Parallel()
	line := string(AppendResult(nil, "job", Result{CustomID: []byte(`"a"`), Status: 422, Body: []byte(`{}`)}))
	for _, text := range []string{"", "{}", line[:20], line + line, strings.Replace(line, `"response"`, `"answer"`, 1)} {
		if got, err := ReadFailure([]byte(text)); err == nil {
			t.Errorf("%s is %+v", text, got)
		}
	}
}
