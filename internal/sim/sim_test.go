package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// minimalCreate is the least that a create of Nebius must say.
const minimalCreate = `{
	"name": "nightly", "model_name": "openai/gpt-oss-120b", "flavor_name": "base",
	"gpu_type": "gpu-h100-sxm", "gpu_count": 2, "region": "eu-north1",
	"scaling": {"min_replicas": 1, "max_replicas": 1}
}`

const endpointsPath = "/v0/dedicated_endpoints"

// ask has the cloud answer one request in memory.
func ask(t testing.TB, c http.Handler, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(t.Context())
	request.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, request)
	return w
}

// create rents an endpoint and returns it as create showed it.
func create(t testing.TB, c http.Handler, body string) nebiusBody {
	t.Helper()
	w := ask(t, c, "POST", endpointsPath, body)
	if w.Code != http.StatusCreated {
		t.Fatalf("create: HTTP %d: %s", w.Code, w.Body)
	}
	return decode[nebiusBody](t, w.Body)
}

// list returns what Nebius lists.
func list(t testing.TB, c http.Handler) []nebiusBody {
	t.Helper()
	w := ask(t, c, "GET", endpointsPath, "")
	if w.Code != http.StatusOK {
		t.Fatalf("list: HTTP %d: %s", w.Code, w.Body)
	}
	return decode[struct{ Data []nebiusBody }](t, w.Body).Data
}

// chat is a chat request's body.
func chat(key, prompt string) string {
	return `{"model":"` + key + `","messages":[{"role":"user","content":"` + prompt + `"}]}`
}

func decode[T any](t testing.TB, r io.Reader) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(r).Decode(&v); err != nil {
		t.Fatalf("decode reply: %v", err)
	}
	return v
}

// scaled returns a create's body with other bounds.
func scaled(bounds string) string {
	return strings.Replace(minimalCreate, `{"min_replicas": 1, "max_replicas": 1}`, bounds, 1)
}

// equal reports whether two values are the same, as a test failure if not.
func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkChat is the cost of a chat request in the handler alone, without
// simulated time: 600 bytes of prompt, 64 tokens of answer.
func BenchmarkChat(b *testing.B) {
	c := New(Options{WarmUp: None, AnswerTokens: Range{64, 64}})
	body := []byte(chat(create(b, c, minimalCreate).RoutingKey, strings.Repeat("Summarise it. ", 43)))
	b.ReportAllocs()
	w := discard{http.Header{}}
	for b.Loop() {
		request, _ := http.NewRequest("POST", "/v1/chat/completions", bytes.NewReader(body))
		request.Header.Set("Authorization", "Bearer secret")
		c.ServeHTTP(w, request)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	if n := c.Ledger().Total.Answered; n != int64(b.N) {
		b.Fatalf("%d of %d answered", n, b.N)
	}
}
