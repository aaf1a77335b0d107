package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// secret is in every body that a test sends or receives, and in every key.
const secret = "hush"

const (
	completions = "/v1/chat/completions"
	prompt      = `{"model":"m","messages":[{"role":"user","content":"` + secret + `"}]}`
	result      = `{"choices":[{"message":{"content":"` + secret + `"}}]}`
)

// check is as strict as a batch is.
func check(_ string, body []byte) (Usage, error) {
	var answer struct{ Choices []json.RawMessage }
	if json.Unmarshal(body, &answer) != nil || len(answer.Choices) == 0 {
		return Usage{}, errors.New("the answer has no choices")
	}
	return Usage{}, nil
}

// serve runs a server for the test.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// dial returns a client for the server's /v1.
func dial(server *httptest.Server) *Client { return dialOver(server, Transport(64)) }

func dialOver(server *httptest.Server, transport http.RoundTripper) *Client {
	return New(Options{BaseURL: server.URL + "/v1", APIKey: secret, Transport: transport, Check: check})
}

// answer is a handler that says the same to everybody.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw is a handler that writes the bytes as they are and closes the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(connection, text)
		_ = connection.Close()
	}
}

// hang is a handler that writes the beginning of an answer and no more.
func hang(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if text != "" {
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

// trickle is a handler that writes an answer byte by byte.
func trickle(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := range len(text) {
			_, _ = io.WriteString(w, text[i:i+1])
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func TestSend_SortsAnswers(t *testing.T) {
	apiError := func(fields string) string {
		return `{"error":{"message":"` + secret + `",` + fields + `}}`
	}
	tests := map[string]sorted{
		"an answer":                        {answer(200, result), OK, 200},
		"created":                          {answer(201, result), OK, 201},
		"in pieces":                        {trickle(result), OK, 200},
		"labelled as text":                 {answer(200, result, "Content-Type", "text/plain"), OK, 200},
		"labelled as a page":               {answer(200, result, "Content-Type", "text/html"), OK, 200},
		"a page":                           {answer(200, "<html>"+secret, "Content-Type", "text/html"), Retry, 200},
		"a page labelled as JSON":          {answer(200, "<html>"+secret), Retry, 200},
		"half an answer":                   {answer(200, result[:40]), Retry, 200},
		"two answers":                      {answer(200, result+result), Retry, 200},
		"no choices":                       {answer(200, `{"choices":[],"hint":"hush"}`), Retry, 200},
		"an error with 200":                {answer(200, apiError(`"code":500`)), Retry, 200},
		"nothing":                          {answer(200, ""), Retry, 200},
		"no content":                       {answer(204, ""), Retry, 204},
		"cut before the answer":            {raw(""), Retry, 0},
		"cut in the header":                {raw("HTTP/1.1 200 OK\r\nContent-"), Retry, 0},
		"cut in the body":                  {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + result), Retry, 0},
		"cut in a chunk":                   {raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhush"), Retry, 0},
		"no HTTP":                          {raw("hush hush hush\r\n\r\n"), Retry, 0},
		"no header":                        {raw("HTTP/1.1 200 OK\r\nhush\r\n\r\n"), Retry, 0},
		"no length":                        {raw("HTTP/1.1 200 OK\r\nContent-Length: hush\r\n\r\n"), Retry, 0},
		"too large":                        {answer(200, result+strings.Repeat(" ", 4096)), Retry, 0},
		"too large, in chunks":             {trickle(result + strings.Repeat(" ", 4096)), Retry, 0},
		"too large an error":               {answer(400, apiError(`"x":"`+strings.Repeat("x", 4096)+`"`)), Retry, 0},
		"moved for good":                   {answer(301, "", "Location", "/elsewhere"), Misconfigured, 301},
		"moved for good, method and all":   {answer(308, "", "Location", "/elsewhere"), Misconfigured, 308},
		"moved for now":                    {answer(302, "", "Location", "/elsewhere"), Retry, 302},
		"see other":                        {answer(303, "", "Location", "/elsewhere"), Retry, 303},
		"moved for now, method and all":    {answer(307, "", "Location", "/elsewhere"), Retry, 307},
		"moved nowhere":                    {answer(302, ""), Retry, 302},
		"bad request":                      {answer(400, apiError(`"param":"messages","code":null`)), Refused, 400},
		"bad request, no JSON":             {answer(400, secret), Refused, 400},
		"https expected, says Go":          {answer(400, "Client sent an HTTP request to an HTTPS server.\n"), Misconfigured, 400},
		"https expected, says nginx":       {answer(400, "<html><center>The plain HTTP request was sent to HTTPS port</center>"), Misconfigured, 400},
		"unauthorized":                     {answer(401, apiError(`"code":"invalid_api_key"`)), Misconfigured, 401},
		"no credit":                        {answer(402, apiError(`"code":"insufficient_balance"`)), Misconfigured, 402},
		"forbidden":                        {answer(403, `{"detail":"hush"}`), Misconfigured, 403},
		"method not allowed":               {answer(405, ""), Refused, 405},
		"request timeout":                  {answer(408, ""), Retry, 408},
		"conflict":                         {answer(409, ""), Retry, 409},
		"too large a request":              {answer(413, ""), Refused, 413},
		"unsupported media type":           {answer(415, ""), Refused, 415},
		"invalid, as FastAPI says it":      {answer(422, `{"detail":[{"loc":["body"],"msg":"hush","input":"hush"}]}`), Refused, 422},
		"too early":                        {answer(425, ""), Retry, 425},
		"too many":                         {answer(429, apiError(`"type":"rate_limit_exceeded"`)), Throttled, 429},
		"quota used up":                    {answer(429, apiError(`"code":"insufficient_quota"`)), Throttled, 429},
		"server error":                     {answer(500, apiError(`"code":null`)), Retry, 500},
		"server error, retry-after":        {answer(500, "", "Retry-After", "1"), Retry, 500},
		"bad gateway":                      {answer(502, "<html>hush"), Retry, 502},
		"unavailable":                      {answer(503, "<html>hush"), Throttled, 503},
		"gateway timeout":                  {answer(504, ""), Retry, 504},
		"a status of its own":              {answer(529, ""), Retry, 529},
		"route not found":                  {answer(404, `{"detail":"Not Found"}`), Gone, 404},
		"page not found":                   {answer(404, "<html>hush", "Content-Type", "text/html"), Gone, 404},
		"model not found":                  {answer(404, apiError(`"type":"NotFoundError","param":null,"code":404`)), Gone, 404},
		"model not found, named":           {answer(404, apiError(`"param":"model","code":"model_not_found"`)), Gone, 404},
		"previous response not found":      {answer(404, apiError(`"param":"previous_response_id","code":"previous_response_not_found"`)), Refused, 404},
		"endpoint not configured":          {answer(400, apiError(`"code":"endpoint_not_configured"`)), Gone, 400},
		"endpoint not configured, as type": {answer(400, `{"type":"endpoint_not_configured"}`), Gone, 400},
		"endpoint not configured, quoted":  {answer(400, apiError(`"x":"no \"endpoint_not_configured\""`)), Refused, 400},
		"routing error":                    {answer(503, apiError(`"type":"routing_error"`)), Gone, 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, transport := range []http.RoundTripper{Transport(1), netTransport(1)} {
				test.check(t, dialOver(serve(t, test.handler), transport))
			}
		})
	}
}

// sorted is what an answer must be sorted into.
type sorted struct {
	handler http.HandlerFunc
	class   Class
	status  int // of Answer and Error
}

func (test sorted) check(t *testing.T, c *Client) {
	c.options.MaxResponse = 2048
	got, err := c.Send(t.Context(), completions, []byte(prompt))
	if ClassOf(err) != test.class {
		t.Errorf("class %q (%v), want %q", ClassOf(err), err, test.class)
	}
	if sorted, ok := errors.AsType[*Error](err); (err != nil) != ok || ok && sorted.Status != test.status {
		t.Errorf("error %#v, want status %d", err, test.status)
	}
	if got.Status != test.status {
		t.Errorf("answer's status %d, want %d", got.Status, test.status)
	}
	if text := fmt.Sprint(err, errors.Unwrap(err)); strings.Contains(text, secret) {
		t.Errorf("error %q holds a body or a key", text)
	}
}

func TestSend_Ends(t *testing.T) {
	tests := map[string]http.HandlerFunc{
		"while waiting":   hang(""),
		"within the body": hang(result[:20]),
		"while it trickles": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				trickle(" ")(w, r)
			}
		},
		"after half an error": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); hang(`{"error":`)(w, r) },
	}
	for name, handler := range tests {
		t.Run("time limit "+name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := dial(serve(t, handler)).Send(ctx, completions, []byte(prompt))
			if ClassOf(err) != Retry || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want Retry for a deadline", err)
			}
		})
		t.Run("limit of its own "+name, func(t *testing.T) {
			t.Parallel()
			for _, transport := range []http.RoundTripper{Transport(1), netTransport(1)} {
				c := dialOver(serve(t, handler), transport)
				_, err := c.Post(t.Context(), Request{URL: completions, Body: []byte(prompt), Limit: 50 * time.Millisecond})
				if ClassOf(err) != Retry || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want Retry for a deadline", err)
				}
			}
		})
		t.Run("cancelled "+name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				cancel()
				handler(w, r)
			})
			_, err := dial(server).Send(ctx, completions, []byte(prompt))
			if _, sorted := errors.AsType[*Error](err); sorted || !errors.Is(err, context.Canceled) {
				t.Errorf("error %#v, want the context's own", err)
			}
		})
	}
}

func TestSend_NoServer(t *testing.T) {
	closed := serve(t, answer(200, result))
	closed.Close()
	plain := serve(t, answer(200, result))
	secure := httptest.NewTLSServer(answer(200, result))
	t.Cleanup(secure.Close)
	tests := map[string]struct {
		baseURL string
		class   Class
	}{
		"refused":               {closed.URL + "/v1", Gone},
		"https to http":         {strings.Replace(plain.URL, "http:", "https:", 1) + "/v1", Misconfigured},
		"http to https":         {strings.Replace(secure.URL, "https:", "http:", 1) + "/v1", Misconfigured},
		"unknown certificate":   {secure.URL + "/v1", Misconfigured},
		"base URL empty":        {"", Misconfigured},
		"base URL without host": {"http:///v1", Misconfigured},
		"base URL of files":     {"file:///v1", Misconfigured},
		"base URL is no URL":    {"http://a b/v1", Misconfigured},
		"base URL without http": {"localhost:8000/v1", Misconfigured},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := New(Options{BaseURL: test.baseURL, APIKey: secret})
			if _, err := c.Send(t.Context(), completions, []byte(prompt)); ClassOf(err) != test.class {
				t.Errorf("class %q (%v), want %q", ClassOf(err), err, test.class)
			}
		})
	}
}

func TestSend_JoinsURL(t *testing.T) {
	tests := []struct{ base, url, want string }{
		{"/v1", "/v1/chat/completions", "/v1/chat/completions"},
		{"/v1/", "/v1/chat/completions", "/v1/chat/completions"},
		{"/v1", "v1/embeddings", "/v1/embeddings"},
		{"/v1", "/embeddings", "/v1/embeddings"},
		{"/v1", "/v1beta/x", "/v1/v1beta/x"},
		{"", "/v1/completions", "/completions"},
		{"/openai/v1", "/v1/responses", "/openai/v1/responses"},
		{"/api/v2/external", "/v1/chat/completions", "/api/v2/external/chat/completions"},
	}
	for _, test := range tests {
		var got string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.URL.Path; answer(200, result)(w, r) })
		c := New(Options{BaseURL: server.URL + test.base})
		if _, err := c.Send(t.Context(), test.url, []byte(prompt)); err != nil || got != test.want {
			t.Errorf("%s and %s: %s (%v), want %s", test.base, test.url, got, err, test.want)
		}
	}
}

func TestSend_ElsewhereIsRefused(t *testing.T) {
	var called atomic.Bool
	other := serve(t, func(http.ResponseWriter, *http.Request) { called.Store(true) })
	c := dial(serve(t, answer(307, "", "Location", other.URL)))
	for _, url := range []string{completions, other.URL, "//" + other.Listener.Addr().String() + "/v1/x", "/v1/" + other.URL} {
		if _, err := c.Send(t.Context(), url, []byte(prompt)); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
	if called.Load() {
		t.Error("a request with a key went to another server")
	}
}

// Bodies and headers must arrive as they are, whatever the environment says.
func TestSend_Verbatim(t *testing.T) {
	for _, name := range []string{"API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "BASE_URL", "CUSTOM_HEADERS", "WEBHOOK_SECRET"} {
		t.Setenv("OPENAI_"+name, "http://leak.invalid:1/leak: leak")
	}
	bodies := []string{
		`{}`, " {\"a\":1,\"a\":2}\n", `{"n":12345678901234567890.00e+400,"s":"\ud83d\u0000é` + "\u2028" + `"}`,
		`{"model":"m","unknown":{"` + strings.Repeat("x", 1<<20) + `":[]}}`,
	}
	for _, body := range bodies {
		var header http.Header
		var length int64
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			header, length = r.Header, r.ContentLength
			w.Header().Set("X-Request-Id", "req-1")
			_, _ = io.Copy(w, r.Body)
		})
		c := New(Options{BaseURL: server.URL + "/v1", APIKey: "key", Headers: map[string]string{"x-org": "us", "Accept": "*/*"}})
		got, err := c.Send(t.Context(), completions, []byte(body))
		if err != nil || string(got.Body) != body || got.RequestID != "req-1" || length != int64(len(body)) {
			t.Errorf("%.40q: %.40q, request %s, length %d (%v)", body, got.Body, got.RequestID, length, err)
		}
		header.Del("Content-Length")
		want := `map[Accept:[*/*] Authorization:[Bearer key] Content-Type:[application/json] User-Agent:[nightshift] X-Org:[us]]`
		if text := fmt.Sprint(header); text != want {
			t.Errorf("headers %s, want %s", text, want)
		}
	}
}

func TestSend_KeepsTheAnswerOfAnError(t *testing.T) {
	body := `{"error":{"message":"hush"}}` + "\n"
	c := dial(serve(t, answer(429, body, "X-Request-Id", strings.Repeat("r", 200), "Retry-After", "7")))
	got, err := c.Send(t.Context(), completions, []byte(prompt))
	sorted, ok := errors.AsType[*Error](err)
	if !ok || sorted.RetryAfter != 7*time.Second || sorted.RequestID != strings.Repeat("r", 128) {
		t.Errorf("error %#v", err)
	}
	if got.Status != 429 || string(got.Body) != body || got.RequestID != sorted.RequestID {
		t.Errorf("answer %d %q of request %q", got.Status, got.Body, got.RequestID)
	}
}

func TestSend_NoSecondTry(t *testing.T) {
	for _, status := range []int{408, 429, 500, 503} {
		var calls atomic.Int64
		handler := answer(status, "", "Retry-After", "0", "X-Should-Retry", "true")
		c := dial(serve(t, func(w http.ResponseWriter, r *http.Request) { calls.Add(1); handler(w, r) }))
		if _, err := c.Send(t.Context(), completions, []byte(prompt)); err == nil || calls.Load() != 1 {
			t.Errorf("status %d: %d calls (%v), want 1", status, calls.Load(), err)
		}
	}
}

func TestSend_Concurrently(t *testing.T) {
	c := dial(serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1024))
		_, _ = fmt.Fprintf(w, `{"choices":[%s]}`, body)
	}))
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			for range 10 {
				got, err := c.Send(t.Context(), completions, fmt.Append(nil, i))
				if want := fmt.Sprintf(`{"choices":[%d]}`, i); err != nil || string(got.Body) != want {
					t.Errorf("%s (%v), want %s", got.Body, err, want)
				}
			}
		})
	}
	group.Wait()
}

func TestProbe(t *testing.T) {
	var got map[string]any
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&got)
		answer(200, result)(w, r)
	})
	if err := dial(server).Probe(t.Context(), `m"1`); err != nil {
		t.Error(err)
	}
	if got["model"] != `m"1` || got["max_tokens"] != 1.0 {
		t.Errorf("probed with %v", got)
	}
	if err := dial(serve(t, answer(404, ""))).Probe(t.Context(), "m"); ClassOf(err) != Gone {
		t.Errorf("class %q (%v), want gone", ClassOf(err), err)
	}
}

func TestTransport_KeepsConnections(t *testing.T) {
	const requests = 50
	var opened atomic.Int64
	var arrived sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // so that all are in flight at once
		answer(200, result)(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	for _, maxConns := range []int{requests, 0} {
		opened.Store(0)
		c := New(Options{BaseURL: server.URL + "/v1", Transport: Transport(maxConns)})
		for range 10 {
			arrived.Add(requests)
			var group sync.WaitGroup
			for range requests {
				group.Go(func() {
					if _, err := c.Send(t.Context(), completions, []byte(prompt)); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
		// A connection is put back a moment after its answer was read, so that a
		// few more may be opened; without keeping them it would be 500.
		if got := opened.Load(); got > 3*requests {
			t.Errorf("%d connections for %d in flight", got, requests)
		}
	}
}

func TestTransport_SpeaksHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(200, `{"choices":["`+r.Proto+`"]}`)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	transport := netTransport(10)
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.NextProtos = nil
	c := New(Options{BaseURL: server.URL + "/v1", Transport: transport})
	got, err := c.Send(t.Context(), completions, []byte(prompt))
	if err != nil || !strings.Contains(string(got.Body), "HTTP/2") {
		t.Errorf("%s (%v), want HTTP/2", got.Body, err)
	}
}
