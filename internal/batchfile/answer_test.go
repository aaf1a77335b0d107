package batchfile

import "testing"

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	const chat = "/v1/chat/completions"
	for _, c := range []struct {
		url, body string
		fine      bool
	}{
		{chat, `{"id":"x","choices":[{"index":0}],"usage":{}}`, true},
		{chat, `{"usage":{"prompt_tokens":5,"completion_tokens":6},"choices":[1]}`, true},
		{chat, " {\n\"choices\" : [ 1 ] } \n", true},
		{"/v1/embeddings", `{"data":[{"embedding":[]}]}`, true},
		{"/v1/responses", `{"output":[{}]}`, true},
		{"/v1/else", `{}`, true},
		{chat, `{"choices":[]}`, false},
		{chat, `{"choices":null}`, false},
		{chat, `{"data":[1]}`, false},
		{chat, `{"choices":[{"index":0}`, false},
		{chat, `{"choices":[1]} x`, false},
		{chat, `<html></html>`, false},
		{chat, `[1]`, false},
		{chat, ``, false},
		{"/v1/else", `{`, false},
	} {
		usage, err := ReadAnswer(c.url, []byte(c.body))
		if (err == nil) != c.fine {
			t.Errorf("ReadAnswer(%s, %q) = %v", c.url, c.body, err)
		}
		if want := ReadUsage([]byte(c.body)); err == nil && usage != want {
			t.Errorf("ReadAnswer(%s, %q) reads usage %+v, want %+v", c.url, c.body, usage, want)
		}
	}
}
