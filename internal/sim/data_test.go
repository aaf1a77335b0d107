package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// instant returns a cloud that takes no time, and the key of an endpoint that
// is ready.
func instant(t testing.TB, o Options) (*Cloud, string) {
	t.Helper()
	o.WarmUp, o.Drain = None, None
	c := New(o)
	return c, create(t, c, minimalCreate).RoutingKey
}

// TestData_Answers compares one answer of each surface with a golden file,
// which holds for ever: answers depend on nothing but the request.
func TestData_Answers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, path, body string }{
		{"chat", "/v1/chat/completions", `{"model":"KEY","messages":[{"role":"user","content":"Why?"}]}`},
		{"chat-cut", "/v1/chat/completions", `{"model":"KEY","max_completion_tokens":3,"messages":[{"role":"user","content":"Why?"}]}`},
		{"completions", "/v1/completions", `{"model":"KEY","prompt":["Once","Twice"],"max_tokens":4}`},
		{"embeddings", "/v1/embeddings", `{"model":"KEY","input":["a","b"],"dimensions":3}`},
		{"embeddings-tokens", "/v1/embeddings", `{"model":"KEY","input":[1,2,3],"dimensions":2}`},
		{"responses", "/v1/responses", `{"model":"KEY","input":"Why?"}`},
		{"responses-cut", "/v1/responses", `{"model":"KEY","input":"Why?","max_output_tokens":2}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, key := instant(t, Options{AnswerTokens: Range{8, 16}})
			body := strings.Replace(tt.body, "KEY", key, 1)
			first := ask(t, c, "POST", tt.path, body)
			second := ask(t, c, "POST", tt.path, body)
			equal(t, "status", first.Code, http.StatusOK)
			equal(t, "second answer", second.Body.String(), first.Body.String())
			golden(t, tt.name+".json", first.Body.Bytes())
			data := c.Ledger().Data
			equal(t, "distinct bodies", data.DistinctBodies, 1)
			equal(t, "repeated bodies", data.RepeatedBodies, 1)
		})
	}
}

// golden compares JSON with testdata/name, or writes it if UPDATE_GOLDEN is
// set.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(got), "", "  "); err != nil {
		t.Fatalf("not JSON: %v: %s", err, got)
	}
	indented.WriteByte('\n')
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("differs from %s:\n%s", file, indented.Bytes())
	}
}

func TestData_Refuses(t *testing.T) {
	t.Parallel()
	const valid = `{"model":"KEY","messages":[{"role":"user","content":"Why?"}]}`
	tests := []struct {
		name     string
		old, new string
		status   int
		param    string
	}{
		{"nothing", "", "", 200, ""},
		{"unknown name", `{"model"`, `{"seed":1,"model"`, 200, ""},
		{"null limit", `{"model"`, `{"max_tokens":null,"model"`, 200, ""},
		{"no stream", `{"model"`, `{"stream":false,"model"`, 200, ""},
		{"escaped model", "openai/", `openai\/`, 200, ""},
		{"unknown model", "KEY", "another", 404, "model"},
		{"no model", `"model"`, `"modle"`, 400, "model"},
		{"model is a number", `"KEY"`, `7`, 400, "model"},
		{"no messages", `"messages"`, `"prompt"`, 400, "messages"},
		{"empty messages", `[{"role":"user","content":"Why?"}]`, `[]`, 400, "messages"},
		{"messages is a string", `[{"role":"user","content":"Why?"}]`, `"Why?"`, 400, "messages"},
		{"stream", `{"model"`, `{"stream": true ,"model"`, 400, "stream"},
		{"limit is zero", `{"model"`, `{"max_tokens":0,"model"`, 400, "max_tokens"},
		{"limit is a fraction", `{"model"`, `{"max_tokens":1.5,"model"`, 400, "max_tokens"},
		{"not JSON", `"}]}`, `"}]`, 400, ""},
		{"two objects", `"}]}`, `"}]}{}`, 400, ""},
		{"an array", valid, `[]`, 400, ""},
		{"empty body", valid, ``, 400, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, key := instant(t, Options{})
			body := strings.Replace(strings.Replace(valid, tt.old, tt.new, 1), "KEY", key, 1)
			if tt.name == "escaped model" {
				body = strings.Replace(strings.Replace(valid, "KEY", key, 1), tt.old, tt.new, 1)
			}
			w := ask(t, c, "POST", "/v1/chat/completions", body)
			equal(t, "status", w.Code, tt.status)
			reply := decode[struct {
				Error struct{ Message, Type, Param string }
			}](t, w.Body)
			equal(t, "param", reply.Error.Param, tt.param)
			equal(t, "has a message", reply.Error.Message != "", tt.status != 200)
			equal(t, "statuses", c.Ledger().Data.Statuses[tt.status], 1)
		})
	}
}

func TestData_BoundsWhatItReads(t *testing.T) {
	t.Parallel()
	c, key := instant(t, Options{BodyLimit: 500})
	equal(t, "at the limit", ask(t, c, "POST", "/v1/chat/completions", padded(key, 500)).Code, http.StatusOK)
	equal(t, "beyond it", ask(t, c, "POST", "/v1/chat/completions", padded(key, 501)).Code, http.StatusRequestEntityTooLarge)
	many := `{"model":"` + key + `","input":"a","dimensions":5000}`
	equal(t, "dimensions", ask(t, c, "POST", "/v1/embeddings", many).Code, http.StatusBadRequest)
}

// padded is a chat body of that many bytes.
func padded(key string, size int) string {
	return chat(key, strings.Repeat("x", size-len(chat(key, ""))))
}

func TestData_NotReadyIs404(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		e := create(t, c, minimalCreate)
		try := func() int { return ask(t, c, "POST", "/v1/chat/completions", chat(e.RoutingKey, "hi")).Code }
		pass(7 * time.Second)
		equal(t, "starting", try(), http.StatusNotFound)
		pass(time.Second)
		equal(t, "ready", try(), http.StatusOK)
		ask(t, c, "PATCH", endpointsPath+"/"+e.ID, `{"enabled": false}`)
		equal(t, "stopping", try(), http.StatusNotFound)

		ledger := c.Ledger()
		equal(t, "before ready", ledger.Data.BeforeReady, 1)
		equal(t, "distinct bodies", ledger.Data.DistinctBodies, 1)
		equal(t, "repeated bodies", ledger.Data.RepeatedBodies, 0)
		equal(t, "first request", ledger.Entries[0].FirstRequestAt, ledger.Entries[0].ReadyAt)
	})
}

func TestData_Models(t *testing.T) {
	t.Parallel()
	c, key := instant(t, Options{})
	reply := decode[struct{ Data []struct{ ID string } }](t, ask(t, c, "GET", "/v1/models", "").Body)
	if len(reply.Data) != 1 || reply.Data[0].ID != key {
		t.Errorf("models: %v, want %s", reply.Data, key)
	}
}

func TestToken_IsDemandedOnBothPlanes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, token, header string
		admitted            bool
	}{
		{"right", "secret", "Bearer secret", true},
		{"any", "", "Bearer whatever", true},
		{"wrong", "secret", "Bearer public", false},
		{"empty", "", "Bearer ", false},
		{"none", "", "", false},
		{"other scheme", "secret", "Basic secret", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{Token: tt.token})
			for _, path := range []string{endpointsPath, "/v1/models"} {
				request := httptest.NewRequest("GET", path, nil)
				request.Header.Set("Authorization", tt.header)
				w := httptest.NewRecorder()
				c.ServeHTTP(w, request)
				equal(t, path, w.Code == http.StatusOK, tt.admitted)
				equal(t, path+" refused", w.Code == http.StatusUnauthorized, !tt.admitted)
			}
		})
	}
}

// FuzzParseRequest compares the walk through a body with encoding/json, where
// the two are meant to agree: bodies whose names are written without escapes.
func FuzzParseRequest(f *testing.F) {
	f.Add(`{"model":"m","messages":[{"a":"}\"]"}],"max_tokens":5}`)
	f.Add(` { "messages" : [ [] , {} , 1 ] , "model" : "\u0041" } `)
	f.Add(`{}`)
	f.Add(`{"model":"m","messages":[],"x":{"model":"no"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		q := parseRequest([]byte(body), "messages")
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &want) != nil || want == nil {
			if q.problem == "" {
				t.Errorf("accepted %q", body)
			}
			return
		}
		if strings.ContainsRune(body, '\\') || !utf8.ValidString(body) {
			return
		}
		for name, at := range members([]byte(body)) {
			if got := body[at.from:at.to]; strings.Count(body, `"`+string(name)+`"`) == 1 && got != string(want[string(name)]) {
				t.Errorf("%s of %q: got %q, want %q", name, body, got, want[string(name)])
			}
		}
	})
}
