package batchfile

import "testing"

func TestRequest_Ask(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, body string
		want       Ask
	}{
		{"nothing", `{}`, Ask{}},
		{"chat", `{"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":7}`, Ask{TextBytes: 9, MaxOutput: 7}},
		{"escapes count as what they stand for", `{"prompt":"\u00e9\n"}`, Ask{TextBytes: 3}},
		{"an image", `{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`, Ask{TextBytes: 9, Media: 1}},
		{"tokens", `{"prompt":[1,2,3]}`, Ask{Tokens: 3}},
		{"texts", `{"input":["ab","cde"]}`, Ask{TextBytes: 5}},
		{"responses", `{"input":"abc","instructions":"de","max_output_tokens":9}`, Ask{TextBytes: 5, MaxOutput: 9}},
		{"several answers", `{"prompt":"a","max_completion_tokens":10,"n":3}`, Ask{TextBytes: 1, MaxOutput: 30}},
		{"what is no number", `{"prompt":"a","max_tokens":null,"n":"two"}`, Ask{TextBytes: 1}},
		{"other members", `{"user":"somebody","metadata":{"prompt":"no"},"stop":["x"]}`, Ask{}},
	} {
		if got := (Request{Body: []byte(row.body)}).Ask(); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}
