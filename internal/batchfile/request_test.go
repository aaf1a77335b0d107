package batchfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const validLine = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}`

// mutate replaces one part of validLine, which must be there.
func mutate(t *testing.T, part, by string) string {
	t.Helper()
	if !strings.Contains(validLine, part) {
		t.Fatalf("validLine lacks %q", part)
	}
	return strings.Replace(validLine, part, by, 1)
}

// summary is the problems as "code param".
func summary(problems []Problem) []string {
	var all []string
	for _, p := range problems {
		all = append(all, strings.TrimSpace(p.Code+" "+p.Param))
	}
	return all
}

func TestParse_ProblemsOfALine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxName)
	for _, row := range []struct {
		name, part, by string
		want           []string
	}{
		{"valid", `"a"`, `"a"`, nil},
		{"no custom_id", `"custom_id":"a",`, ``, []string{"missing_required_parameter custom_id"}},
		{"no method", `"method":"POST",`, ``, []string{"missing_required_parameter method"}},
		{"no url", `"url":"/v1/chat/completions",`, ``, []string{"missing_required_parameter url"}},
		{"no body", `,"body":{"model":"m","messages":[]}`, ``, []string{"missing_required_parameter body"}},
		{"key of another case", `"url"`, `"URL"`, []string{"missing_required_parameter url"}},
		{"escaped key", `"url"`, `"\u0075rl"`, nil},
		{"custom_id a number", `"a"`, `7`, []string{"invalid_request custom_id"}},
		{"custom_id null", `"a"`, `null`, []string{"invalid_request custom_id"}},
		{"custom_id empty", `"a"`, `""`, []string{"invalid_request custom_id"}},
		{"custom_id of 512 characters", `"a"`, `"` + long + `"`, nil},
		{"custom_id of 513 characters", `"a"`, `"` + long + `x"`, []string{"invalid_request custom_id"}},
		{"custom_id of 512 escaped characters", `"a"`, `"` + strings.Repeat(`\ud83d\ude00`, maxName) + `"`, nil},
		{"method GET", `"POST"`, `"GET"`, []string{"invalid_request method"}},
		{"method in small letters", `"POST"`, `"post"`, []string{"invalid_request method"}},
		{"method true", `"POST"`, `true`, []string{"invalid_request method"}},
		{"url a list", `"/v1/chat/completions"`, `[]`, []string{"invalid_request url"}},
		{"url unknown", `"/v1/chat/completions"`, `"/v1/images"`, []string{"invalid_url url"}},
		{"url completions", `"/v1/chat/completions"`, `"/v1/completions"`, nil},
		{"url embeddings", `"/v1/chat/completions"`, `"/v1/embeddings"`, nil},
		{"url responses", `"/v1/chat/completions"`, `"/v1/responses"`, nil},
		{"url with escaped slashes", `"/v1/chat/completions"`, `"\/v1\/chat\/completions"`, nil},
		{"body a string", `{"model":"m","messages":[]}`, `"{}"`, []string{"invalid_request body"}},
		{"body empty", `{"model":"m","messages":[]}`, `{}`, nil},
		{"stream true", `"model":"m"`, `"stream":true`, []string{"streaming_unsupported body.stream"}},
		{"stream false", `"model":"m"`, `"stream":false`, nil},
		{"stream null", `"model":"m"`, `"stream":null`, nil},
		{"stream a string", `"model":"m"`, `"stream":"true"`, []string{"invalid_request body.stream"}},
		{"stream deeper down", `[]`, `[{"stream":true}]`, nil},
		{"model a number", `"m"`, `1`, []string{"invalid_request body.model"}},
		{"model null", `"m"`, `null`, []string{"invalid_request body.model"}},
		{"model empty", `"m"`, `""`, []string{"invalid_request body.model"}},
		{"model of 513 characters", `"m"`, `"` + long + `x"`, []string{"invalid_request body.model"}},
		{"last custom_id counts", `"a"`, `"","custom_id":"a"`, nil},
		{"last custom_id counts, and is wrong", `"a"`, `"a","custom_id":1`, []string{"invalid_request custom_id"}},
		{"last stream counts", `"model":"m"`, `"stream":true,"stream":false`, nil},
		{"last body counts", `"body":{`, `"body":{"stream":true},"body":{`, nil},
		{"last body counts, and is wrong", `[]}}`, `[]},"body":1}`, []string{"invalid_request body"}},
		{"several at once", `"custom_id":"a","method":"POST"`, `"method":1`,
			[]string{"missing_required_parameter custom_id", "invalid_request method"}},
		{"all in the body at once", `"model":"m"`, `"model":"","stream":true`,
			[]string{"streaming_unsupported body.stream", "invalid_request body.model"}},
		{"unknown member", `"custom_id"`, `"note":[1,{"a":null}],"custom_id"`, nil},
		{"cut", `[]}}`, `[]}`, []string{"invalid_json_line"}},
		{"more after it", `[]}}`, `[]}}{}`, []string{"invalid_json_line"}},
		{"not UTF-8", `"a"`, "\"\xff\"", []string{"invalid_json_line"}},
		{"an array", validLine, `[]`, []string{"invalid_request"}},
		{"a string", validLine, `"a"`, []string{"invalid_request"}},
		{"nothing", validLine, ``, []string{"invalid_json_line"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, problems := Parse([]byte(mutate(t, row.part, row.by)))
			if got := summary(problems); !slices.Equal(got, row.want) {
				t.Errorf("problems %q, want %q", got, row.want)
			}
		})
	}
}

func TestParse_NoOtherContentInMessages(t *testing.T) {
	t.Parallel()
	const secret = "Xyzzy"
	url := strings.Repeat("/long", 50)
	line := `{"custom_id":["Xyzzy"],"method":"Xyzzy","url":"` + url + `","body":{"model":{"Xyzzy":1},"stream":"Xyzzy"}}`
	_, problems := Parse([]byte(line))
	_, cut := Parse([]byte(`{"custom_id":"Xyzzy`))
	for _, p := range append(problems, cut...) {
		if strings.Contains(p.Message, secret) {
			t.Errorf("message quotes content: %s", p.Message)
		}
		if p.Code == CodeInvalidURL && (strings.Contains(p.Message, url) || !strings.Contains(p.Message, url[:100])) {
			t.Errorf("url is not shortened to 100 characters: %s", p.Message)
		}
	}
	if len(problems) != 5 || len(cut) != 1 {
		t.Errorf("problems %q and %q", summary(problems), summary(cut))
	}
}

func TestParse_SyntaxAsEncodingJSON(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, text := range []string{
		`0`, `-0`, `00`, `01`, `-`, `+1`, `1.`, `.5`, `1.5`, `1e`, `1e+`, `1E-7`, `1e5x`, `0x1`, `9007199254740993`,
		`true`, `tru`, `truex`, `nul`, `null`, `NaN`, `''`, ` [ ] `, `[1,]`, `[,1]`, `[1 2]`, `[`, `]`, `{}`, `{`, `{"a"}`,
		`{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a" : 1 , "b":[{}]}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1}}`, `{1:1}`, `[}`, `{]`,
		`"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\uD800"`, `"\b\f\n\r\t\/\\\""`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"",
		"\"01234567\x1f\"", "\"tab\t\"", "\"0123456\x80\"", "\"é日本😀\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xe6\x97\"", "\"\xf4\x90\x80\x80\"",
		"\u00a01", "1\v", "\uFEFF1", nested(maxDepth), nested(maxDepth + 1),
	} {
		_, problems := Parse([]byte(text))
		accepted := problems[0].Code != CodeInvalidJSONLine
		if want := json.Valid([]byte(text)) && utf8.ValidString(text); accepted != want {
			t.Errorf("%.40q: accepted %v, want %v: %v", text, accepted, want, problems)
		}
	}
}

func TestAppendBody_OnlyModelChanges(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ body, want string }{
		{`{"model":"m","x":1}`, `{"model":"new \"one\"","x":1}`},
		{`{ "x" : 1.00 , "model" : "m" }`, `{ "x" : 1.00 , "model" : "new \"one\"" }`},
		{`{}`, `{"model":"new \"one\""}`},
		{`{ }`, `{"model":"new \"one\"" }`},
		{`{"seed":9007199254740993}`, `{"model":"new \"one\"","seed":9007199254740993}`},
		{`{"model":"a","model":"b","x":[],"model":"c"}`, `{"model":"new \"one\"","model":"new \"one\"","x":[],"model":"new \"one\""}`},
		{`{"x":{"model":"deep"},"model":"m"}`, `{"x":{"model":"deep"},"model":"new \"one\""}`},
		{`{"m\u006fdel":"m"}`, `{"m\u006fdel":"new \"one\""}`},
	} {
		line := mutate(t, `{"model":"m","messages":[]}`, row.body)
		request, problems := Parse([]byte(line))
		if problems != nil {
			t.Errorf("%s: %v", row.body, problems)
			continue
		}
		if got := string(request.AppendBody([]byte("> "), `new "one"`)); got != "> "+row.want {
			t.Errorf("%s\n got %s\nwant %s", row.body, got, row.want)
		}
	}
}

func TestRequest_Fields(t *testing.T) {
	t.Parallel()
	line := mutate(t, `"m"`, `"first","model":"l\u00e4st"`)
	r, problems := Parse([]byte(line))
	if problems != nil {
		t.Fatal(problems)
	}
	if string(r.CustomID) != `"a"` || r.Method != "POST" || r.URL != "/v1/chat/completions" || r.Model() != "läst" {
		t.Errorf("%s %s %s %s", r.CustomID, r.Method, r.URL, r.Model())
	}
	if want := `{"model":"first","model":"l\u00e4st","messages":[]}`; string(r.Body) != want {
		t.Errorf("body %s", r.Body)
	}
	if r, _ = Parse([]byte(mutate(t, `"model":"m",`, ``))); r.Model() != "" {
		t.Errorf("model %q of a body without one", r.Model())
	}
}

func TestSupportedURL(t *testing.T) {
	t.Parallel()
	if !SupportedURL("/v1/responses") || SupportedURL("/v1/responses/") || SupportedURL("") {
		t.Error("not the four that lines may name")
	}
}

func TestParse_AllocatesNothing(t *testing.T) {
	line := []byte(mutate(t, `"/v1/chat/completions"`, `"\/v1\/chat\/completions"`))
	allocations := testing.AllocsPerRun(100, func() {
		if _, problems := Parse(line); problems != nil {
			t.Fatal(problems)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations a line", allocations)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		validLine, ``, `[]`, `{"body":{"model":1,"model":"\ud800"}}`, ` {"custom_id":"\ud83d\ude00","body":{ }} `,
		`{"custom_id":"\ud800\ud800\udc00\u0041\/","body":{"m\u006fdel":"x","a":[1e5,-0.1,true]}}`,
		`{"custom_id":"\b\f\n\r\t\/\\\"","body":"\x"}`, `{"custom_id":"\b\f\n\r\t\/\\\""}`,
		"{\"custom_id\":\"\u65e5\xff\"}", `{"body":{"a":"\\"},"body":{"model":"b"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		request, problems := Parse(line)
		valid := json.Valid(line) && utf8.Valid(line)
		if accepted := len(problems) == 0 || problems[0].Code != CodeInvalidJSONLine; accepted != valid {
			t.Fatalf("accepted %v, valid %v: %v", accepted, valid, problems)
		}
		if !valid {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(line, &want) != nil {
			return
		}
		if request.CustomID != nil {
			checkCustomID(t, request.CustomID, want["custom_id"])
		}
		if request.Body != nil {
			checkBody(t, request, want["body"])
		}
	})
}

func checkCustomID(t *testing.T, got token, want []byte) {
	var id string
	if err := json.Unmarshal(want, &id); err != nil || string(got.content(nil)) != id {
		t.Fatalf("custom_id %q, want %q, %v", got.content(nil), id, err)
	}
}

// checkBody compares the body with another model with what encoding/json finds
// in the line.
func checkBody(t *testing.T, request Request, want []byte) {
	const model = "other \u2028 \"model\"\x00"
	body := request.AppendBody(nil, model)
	if !utf8.Valid(body) {
		t.Fatalf("not UTF-8: %q", body)
	}
	var got, original map[string]json.RawMessage
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v: %q", err, body)
	}
	if err := json.Unmarshal(want, &original); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := json.Unmarshal(got["model"], &name); err != nil || name != model {
		t.Fatalf("model %s, %v", got["model"], err)
	}
	delete(got, "model")
	delete(original, "model")
	if !maps.EqualFunc(got, original, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		t.Fatalf("body %q, want %q", body, want)
	}
}
