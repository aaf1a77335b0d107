package batchfile

import "testing"

func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	const chat = "/v1/chat/completions"
	for _, c := range []struct {
		url, body string
		fine      bool
	}{
		{chat, `{"id":"x","choices":[{"index":0}],"usage":{}}`, true},
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
		if err := CheckAnswer(c.url, []byte(c.body)); (err == nil) != c.fine {
			t.Errorf("CheckAnswer(%s, %q) = %v", c.url, c.body, err)
		}
	}
}
