package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const secret = "sk-very-secret"

// client returns a client of a server that answers with handle.
func client(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return clientOf(t, Settings{Token: secret, BaseURL: server.URL})
}

func clientOf(t *testing.T, s Settings) *Client {
	t.Helper()
	c, err := NewClient("acme", "", s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	create = Call{Op: "create endpoint", Method: http.MethodPost, Path: "/endpoints", Body: struct{}{}, Creates: true}
	list   = Call{Op: "list endpoints", Method: http.MethodGet, Path: "/endpoints"}
	scale  = Call{Op: "scale endpoint", Method: http.MethodPatch, Path: "/endpoints/1", Body: struct{}{}}
)

// sorted returns err as an *Error and checks what every one must keep to.
func sorted(t *testing.T, err error) *Error {
	t.Helper()
	got, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error %v is not an *Error", err)
	}
	if strings.Contains(got.Error(), secret) {
		t.Errorf("error tells the token: %v", got)
	}
	if len(got.Message) > maxMessage || strings.ContainsAny(got.Message, "\n\t\x1b") {
		t.Errorf("message is too long or not one line: %q", got.Message)
	}
	return got
}

func TestClient_Request(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := fmt.Sprintf("%s %s %s %s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"),
			r.Header.Get("X-Team"), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), body)
		json.NewEncoder(w).Encode(got)
	})
	call := Call{
		Method: http.MethodPost, Path: "/a%2Fb", Query: map[string][]string{"project": {"p q"}}, Body: map[string]int{"n": 0},
		Header: http.Header{"X-Team": {"blue"}, "Authorization": {"mine"}},
	}
	var got string
	if err := c.Do(t.Context(), call, &got); err != nil {
		t.Fatal(err)
	}
	want := `POST /a%2Fb?project=p+q Bearer ` + secret + ` blue application/json nightshift {"n":0}`
	if got != want {
		t.Errorf("request:\n got %s\nwant %s", got, want)
	}
}

// TestClient_Statuses has one row a status and wording; kinds are those of a
// create, of a scale and of a list.
func TestClient_Statuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status              int
		body                string
		create, scale, list Kind
		message, code       string
	}{
		{401, `{"detail":"Invalid API key"}`, Unauthorized, Unauthorized, Unauthorized, "Invalid API key", ""},
		{403, `{"error":{"code":"forbidden","message":"no"}}`, Unauthorized, Unauthorized, Unauthorized, "no", "forbidden"},
		{403, `{"detail":"GPU quota exceeded"}`, Capacity, Capacity, Unauthorized, "GPU quota exceeded", ""},
		{402, ``, Capacity, Capacity, Capacity, "Payment Required", ""},
		{429, `{"error":"slow down"}`, RateLimited, RateLimited, RateLimited, "slow down", ""},
		{429, `{"error":{"type":"quota","message":"GPU quota exceeded"}}`, Capacity, Capacity, RateLimited, "GPU quota exceeded", "quota"},
		{
			429, `{"code":8,"message":"Too Many Requests","details":[{"@type":"x"},{"title":"Too Many Requests","detail":"GPU quota exceeded"}]}`,
			Capacity, Capacity, RateLimited, "GPU quota exceeded", "8",
		},
		{429, `{"message":"quota of 5 requests per minute exceeded"}`, RateLimited, RateLimited, RateLimited, "quota of 5 requests per minute exceeded", ""},
		{500, `{"detail":"the VM could not be provisioned"}`, Capacity, Capacity, Unavailable, "the VM could not be provisioned", ""},
		{503, `{"error":{"message":"Insufficient GPU resources"}}`, Capacity, Capacity, Unavailable, "Insufficient GPU resources", ""},
		{503, `no healthy upstream`, Ambiguous, Unavailable, Unavailable, "no healthy upstream", ""},
		{500, `<html><b>nginx</b></html>`, Ambiguous, Unavailable, Unavailable, "Internal Server Error", ""},
		{504, ``, Ambiguous, Unavailable, Unavailable, "Gateway Timeout", ""},
		{408, ``, Ambiguous, Unavailable, Unavailable, "Request Timeout", ""},
		{302, ``, Ambiguous, Unavailable, Unavailable, "Found", ""},
		{409, `{"detail":"busy"}`, Refused, Unavailable, Unavailable, "busy", ""},
		{404, `{"detail":"Not Found"}`, Refused, Refused, Refused, "Not Found", ""},
		{404, `{"detail":"no instance 7"}`, Refused, Refused, Refused, "no instance 7", ""},
		{400, `{"error":"unknown_field","message":"unknown field x"}`, Refused, Refused, Refused, "unknown field x", "unknown_field"},
		{418, `{"error":{"code":42,"message":{"odd":1}}}`, Refused, Refused, Refused, "I'm a teapot", "42"},
		{
			422, `{"detail":[{"loc":["body","gpu_count"],"msg":"too many","type":"int"},{"loc":["body","scaling",0],"msg":"bad"}]}`,
			Refused, Refused, Refused, "gpu_count: too many; scaling.0: bad", "",
		},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.message), func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", "r-1")
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			for _, row := range []struct {
				call Call
				kind Kind
			}{{create, test.create}, {scale, test.scale}, {list, test.list}} {
				got := sorted(t, c.Do(t.Context(), row.call, nil))
				if got.Kind != row.kind {
					t.Errorf("%s: kind %s, want %s", row.call.Op, got.Kind, row.kind)
				}
				if got.Message != test.message || got.Code != test.code || got.Status != test.status || got.RequestID != "r-1" {
					t.Errorf("%s: got %+v", row.call.Op, got)
				}
			}
		})
	}
}

func TestClient_TokenAndControlCharactersAreRemoved(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", secret)
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{
			"message": "bad\n\x1b[31m key " + secret + strings.Repeat(" é", 300) + secret,
			"code":    secret,
		}})
	})
	got := sorted(t, c.Do(t.Context(), list, nil))
	if !strings.HasPrefix(got.Message, "bad [31m key [redacted] é") || !strings.HasSuffix(got.Message, "…") {
		t.Errorf("message %q", got.Message)
	}
	body := list
	body.Secret = "key"
	if got := sorted(t, c.Do(t.Context(), body, nil)); !strings.HasPrefix(got.Message, "bad [31m [redacted] [redacted] é") {
		t.Errorf("with a secret in the body: message %q", got.Message)
	}
}

// TestClient_NoAnswer covers calls that end without an answer that counts.
func TestClient_NoAnswer(t *testing.T) {
	t.Parallel()
	hijack := func(w http.ResponseWriter, before string) {
		conn, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		buffer.WriteString(before)
		buffer.Flush()
		conn.Close()
	}
	for name, handle := range map[string]http.HandlerFunc{
		"cut": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"cut in body": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
		},
		"not HTTP":     func(w http.ResponseWriter, _ *http.Request) { hijack(w, "SSH-2.0\r\n\r\n") },
		"not JSON":     func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"other JSON":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") },
		"empty":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"endless":      func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `"`+strings.Repeat("x", maxReply)+`"`) },
		"never":        func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"never ending": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				io.Copy(io.Discard, r.Body)
				handle(w, r)
			}))
			t.Cleanup(server.Close)
			timeout := 10 * time.Second
			if strings.HasPrefix(name, "never") {
				timeout = time.Second
			}
			c := clientOf(t, Settings{Token: secret, BaseURL: server.URL, Timeout: timeout})
			var reply struct{ ID string }
			if got := sorted(t, c.Do(t.Context(), create, &reply)); got.Kind != Ambiguous {
				t.Errorf("create: %s (%v), want ambiguous", got.Kind, got)
			}
			if calls.Load() != 1 {
				t.Errorf("create was sent %d times", calls.Load())
			}
			if got := sorted(t, c.Do(t.Context(), scale, &reply)); got.Kind != Unavailable {
				t.Errorf("scale: %s (%v), want unavailable", got.Kind, got)
			}
		})
	}
}

func TestClient_NotSentIsNotAmbiguous(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx context.Context
		url string
	}{
		"no listener":      {t.Context(), server.URL},
		"ended beforehand": {ended, server.URL},
	} {
		c := clientOf(t, Settings{Token: secret, BaseURL: test.url})
		if got := sorted(t, c.Do(test.ctx, create, nil)); got.Kind != Unavailable {
			t.Errorf("%s: %s (%v), want unavailable", name, got.Kind, got)
		}
	}
}

type untraceable struct{}

func (untraceable) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func TestClient_UntraceableTransportIsAmbiguous(t *testing.T) {
	t.Parallel()
	c := clientOf(t, Settings{Token: secret, BaseURL: "http://127.0.0.1", HTTPClient: &http.Client{Transport: untraceable{}}})
	got := sorted(t, c.Do(t.Context(), create, nil))
	if got.Kind != Ambiguous || !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Errorf("got %v of kind %s", got, got.Kind)
	}
}

func TestClient_IgnoredBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Kind{"": "", "{": "", "done": "", "<html>": Unavailable} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		err := c.Do(t.Context(), scale, nil)
		if want == "" && err != nil || want != "" && (err == nil || KindOf(err) != want) {
			t.Errorf("%q: %v, want kind %q", body, err, want)
		}
	}
}

func TestClient_CancelledWhileCreating(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := client(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	})
	got := sorted(t, c.Do(ctx, create, nil))
	if got.Kind != Ambiguous || !errors.Is(got, context.Canceled) {
		t.Errorf("got %v of kind %s", got, got.Kind)
	}
}

func TestClient_Redirects(t *testing.T) {
	t.Parallel()
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked.Store(true)
	}))
	t.Cleanup(other.Close)
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/here":
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		case "/changed":
			http.Redirect(w, r, "/there", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		case "/there":
			json.NewEncoder(w).Encode(r.Method + r.Header.Get("Authorization"))
		}
	})
	for _, test := range []struct{ path, reply string }{
		{"/here", "POSTBearer " + secret},
		{"/away", ""},
		{"/changed", ""},
		{"/loop", ""},
	} {
		var reply string
		err := c.Do(t.Context(), Call{Method: http.MethodPost, Path: test.path, Body: 1}, &reply)
		if reply != test.reply {
			t.Errorf("%s: reply %q, want %q", test.path, reply, test.reply)
		}
		if test.reply == "" && !strings.Contains(sorted(t, err).Message, "check the base URL") {
			t.Errorf("%s: error %v", test.path, err)
		}
	}
	if leaked.Load() {
		t.Error("a redirect to another host was followed")
	}
}

func TestNewClient_Errors(t *testing.T) {
	t.Parallel()
	const valid = "http://127.0.0.1:80"
	for _, test := range []struct {
		settings Settings
		kind     Kind
	}{
		{Settings{Token: secret, BaseURL: valid}, ""},
		{Settings{Token: secret, BaseURL: valid + "/prefix/"}, ""},
		{Settings{Token: " " + secret + "\n", BaseURL: valid}, ""},
		{Settings{BaseURL: valid}, Unauthorized},
		{Settings{Token: "a b", BaseURL: valid}, Unauthorized},
		{Settings{Token: "clé", BaseURL: valid}, Unauthorized},
		{Settings{Token: secret}, Refused},
		{Settings{Token: secret, BaseURL: "127.0.0.1:80"}, Refused},
		{Settings{Token: secret, BaseURL: "ftp://host"}, Refused},
		{Settings{Token: secret, BaseURL: valid + "?a=" + secret}, Refused},
		{Settings{Token: secret, BaseURL: "http://me:" + secret + "@host"}, Refused},
		{Settings{Token: secret, BaseURL: "http://[" + secret}, Refused},
	} {
		c, err := NewClient("acme", "", test.settings)
		if test.kind == "" {
			if err != nil || strings.HasSuffix(c.BaseURL(), "/") {
				t.Errorf("%v: %v, %v", test.settings, c, err)
			}
		} else if err == nil || KindOf(err) != test.kind {
			t.Errorf("%v: %v, want kind %s", test.settings, err, test.kind)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("error tells a secret: %v", err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0},
		{"7", 7 * time.Second},
		{" 0.5 ", 500 * time.Millisecond},
		{"0", 0},
		{"-3", 0},
		{"soon", 0},
		{"NaN", 0},
		{"301", maxRetryAfter},
		{"Inf", maxRetryAfter},
		{"1" + strings.Repeat("0", 400), maxRetryAfter},
		{now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{now.Add(24 * time.Hour).Format(http.TimeFormat), maxRetryAfter},
	} {
		if got := retryAfter(test.header, now); got != test.want {
			t.Errorf("retryAfter(%.20q) = %v, want %v", test.header, got, test.want)
		}
	}
}

func FuzzReason(f *testing.F) {
	for _, body := range []string{
		`{"detail":[{"loc":["body",1],"msg":"m"}]}`, `{"error":{"code":1,"message":"m"}}`, `{"error":"e","message":"m"}`,
		`[]`, `"x"`, `null`, "<html>", "\x00\xff", `{"detail":{"detail":{"error":["x",{"msg":"y"}]}}}`,
	} {
		f.Add([]byte(body))
	}
	c := &Client{token: new(secret)}
	f.Fuzz(func(t *testing.T, body []byte) {
		message, code := reason(body)
		for _, words := range []string{c.say(Call{}, message, maxMessage), c.say(Call{}, code, maxMessage)} {
			if len(words) > maxMessage || strings.Contains(words, secret) || strings.ContainsAny(words, "\n\r\x1b\x00") {
				t.Errorf("%q", words)
			}
		}
	})
}
