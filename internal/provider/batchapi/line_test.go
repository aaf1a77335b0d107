package batchapi

import (
	"encoding/json"
	"testing"
)

func TestReadLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       Line // a zero CustomID means that the line cannot be read
	}{
		{"OpenAI", `{"id":"x","custom_id":"a","response":{"status_code":200,"request_id":"r","body":{"n":1.50}},"error":null}`,
			Line{CustomID: "a", Status: 200, RequestID: "r", Body: json.RawMessage(`{"n":1.50}`)}},
		{"OpenAI, refused", `{"custom_id":"a","response":{"status_code":400,"body":{"error":{}}},"error":{"code":"no"}}`,
			Line{CustomID: "a", Status: 400, Body: json.RawMessage(`{"error":{}}`)}},
		{"OpenAI, no answer", `{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"late"}}`,
			Line{CustomID: "a", Code: "batch_expired", Message: "late"}},
		{"Nebius", `{"custom_id":"a","response":{"id":"c","choices":[1]},"error":null}`,
			Line{CustomID: "a", Status: 200, Body: json.RawMessage(`{"id":"c","choices":[1]}`)}},
		{"bare response that is an error", `{"custom_id":"a","response":{"error":{"message":"no","code":500}}}`,
			Line{CustomID: "a", Code: "500", Message: "no"}},
		{"Together, failed", `{"custom_id":"a","error":{"message":"no","code":"bad_request"}}`,
			Line{CustomID: "a", Code: "bad_request", Message: "no"}},
		{"error is a text", `{"custom_id":"a","error":"no"}`, Line{CustomID: "a", Code: CodeProviderError, Message: "no"}},
		{"error says nothing", `{"custom_id":"a","error":[]}`, Line{CustomID: "a", Code: CodeProviderError}},
		{"no body", `{"custom_id":"a","response":{"status_code":200}}`, Line{CustomID: "a", Status: 200}},
		{"status is a text", `{"custom_id":"a","response":{"status_code":"200","body":{}}}`, Line{CustomID: "a", Status: 200, Body: json.RawMessage(`{}`)}},
		{"no custom_id", `{"response":{"status_code":200,"body":{}}}`, Line{}},
		{"custom_id is a number", `{"custom_id":7,"response":{"status_code":200,"body":{}}}`, Line{}},
		{"neither", `{"custom_id":"a"}`, Line{}},
		{"response is a text", `{"custom_id":"a","response":"x"}`, Line{}},
		{"cut", `{"custom_id":"a","resp`, Line{}},
		{"not an object", `[1]`, Line{}},
		{"empty", ``, Line{}},
	} {
		got, err := ReadLine([]byte(test.text))
		if (err != nil) != (test.want.CustomID == "") {
			t.Errorf("%s: error %v", test.name, err)
		}
		if err == nil && (got.CustomID != test.want.CustomID || got.Status != test.want.Status || got.RequestID != test.want.RequestID ||
			string(got.Body) != string(test.want.Body) || got.Code != test.want.Code || got.Message != test.want.Message) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

// FuzzReadLine: whatever a provider sends, a line that can be read has an
// answer or says why it has none.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte(`{"custom_id":"a","response":{"status_code":200,"body":{}},"error":null}`))
	f.Add([]byte(`{"custom_id":"a","error":{"code":1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		line, err := ReadLine(text)
		if err == nil && line.Status == 0 && line.Code == "" {
			t.Errorf("%q is read as %+v", text, line)
		}
	})
}
