package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
)

// TestTenants_SeeTheirOwn things, and nobody else's.
func TestTenants_SeeTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	batch := w.batch()
	w.finish(batch.ID, jobs200(), "{}\n", "")
	ended := w.get(batch.ID)
	for _, path := range []string{
		"GET /v1/files/" + batch.InputFileID, "GET /v1/files/" + batch.InputFileID + "/content", "DELETE /v1/files/" + batch.InputFileID,
		"GET /v1/files/" + ended.OutputFileID, "GET /v1/files/" + ended.OutputFileID + "/content",
		"GET /v1/batches/" + batch.ID, "POST /v1/batches/" + batch.ID + "/cancel",
		"GET /v1/models/m%2Fx", "GET /v1/batches/..%2F..%2Fx", "GET /v1/files/file-x",
	} {
		method, url, _ := strings.Cut(path, " ")
		if response, text := w.ask("beta", method, url, "", ""); response.StatusCode != 404 || !strings.Contains(text, "invalid_request_error") {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	for _, path := range []string{"/v1/files", "/v1/batches"} {
		if _, text := w.ask("beta", "GET", path, "", ""); !strings.Contains(text, `"data": []`) {
			t.Errorf("%s: %s", path, text)
		}
	}
	if _, text := w.ask("alpha", "GET", "/v1/models", "", ""); strings.Contains(text, "for-beta") || !strings.Contains(text, `"id": "m"`) {
		t.Errorf("models of alpha: %s", text)
	}
	if _, text := w.ask("beta", "GET", "/v1/models/for-beta", "", ""); compact(t, text) != `{"id":"for-beta","object":"model","created":0,"owned_by":"nightshift"}` {
		t.Errorf("model of beta: %s", text)
	}
}

// TestKeys_WhoIsLetIn: nobody without a key that is in the file now.
func TestKeys_WhoIsLetIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, row := range []struct{ header, want string }{
		{"", "You didn't provide an API key"}, {"Basic eDp5", "You didn't provide an API key"}, {"Bearer ", "You didn't provide"},
		{"Bearer nsk-WRONGWRONGWRONGWRONG", `"message":"Incorrect API key provided: nsk-WR***RONG.","type":"invalid_request_error","param":null,"code":"invalid_api_key"`},
		{"Bearer short", "Incorrect API key provided: ***."},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/models", nil)
		request.Header.Set("Authorization", row.header)
		response, text := w.do(request)
		if response.StatusCode != 401 || !strings.Contains(compact(t, text), row.want) {
			t.Errorf("%q: %d %s", row.header, response.StatusCode, text)
		}
	}
	// A key that is taken from the file does not work for longer than keysEvery.
	old := w.keys["alpha"]
	w.makeKeys("beta", "alpha")
	if err := os.Chtimes(w.file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.server.Keys.mu.Lock()
	w.server.Keys.loaded = time.Time{}
	w.server.Keys.mu.Unlock()
	if _, known := w.server.Keys.tenant(old); known {
		t.Error("a key that was taken away is let in")
	}
	if tenant, known := w.server.Keys.tenant(w.keys["alpha"]); !known || tenant != "alpha" {
		t.Errorf("a new key: %s %v", tenant, known)
	}
}

func (w *world) do(request *http.Request) (*http.Response, string) {
	w.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	return response, readAll(w.T, response)
}

// TestKeys_FilesOfKeys are judged as strictly as others.
func TestKeys_FilesOfKeys(t *testing.T) {
	t.Parallel()
	_, err := ParseKeys("keys.yaml", []byte("keys:\n  - {tenant: A, sha256: abc}\n  - {tennant: a}\n"))
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{`keys.yaml:2: keys.0.tenant: "A" must be`, "keys.yaml:2: keys.0.sha256", "keys.yaml:3: keys.1.tennant: unknown field; did you mean tenant?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}

// TestRate: a tenant that asks too often is told when to come again, and others
// are not.
func TestRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Tenants = []Tenant{{Name: "alpha", Limits: Limits{RequestsPerMinute: 2}.or(c.Limits)}}
	})
	for i := range 2 {
		response, _ := w.ask("alpha", "GET", "/v1/models", "", "")
		if response.StatusCode != 200 || response.Header.Get("x-ratelimit-limit-requests") != "2" || response.Header.Get("x-ratelimit-remaining-requests") != fmt.Sprint(1-i) {
			t.Errorf("request %d: %d %v", i, response.StatusCode, response.Header)
		}
	}
	response, text := w.ask("alpha", "GET", "/v1/models", "", "")
	if response.StatusCode != 429 || response.Header.Get("Retry-After") == "" || !strings.Contains(text, `"code": "rate_limit_exceeded"`) || !strings.Contains(text, "Limit 2") {
		t.Errorf("the third: %d %v %s", response.StatusCode, response.Header, text)
	}
	if response, _ := w.ask("beta", "GET", "/v1/models", "", ""); response.StatusCode != 200 {
		t.Errorf("another tenant: %d", response.StatusCode)
	}
	w.wait(31 * time.Second)
	if response, _ := w.ask("alpha", "GET", "/v1/models", "", ""); response.StatusCode != 200 {
		t.Errorf("half a minute later: %d", response.StatusCode)
	}
}

// TestAccess_Odds: what is no part of the API, and pages of other sites.
func TestAccess_Odds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if response, text := w.ask("alpha", "PUT", "/v1/batches", "", ""); response.StatusCode != 404 || !strings.Contains(text, "Invalid URL (PUT /v1/batches)") {
		t.Errorf("an unknown route: %d %s", response.StatusCode, text)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok"} {
		if response, text := w.ask("nobody", "GET", path, "", ""); response.StatusCode != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, response.StatusCode, text)
		}
	}
	w.server.Leave()
	if response, text := w.ask("nobody", "GET", "/readyz", "", ""); response.StatusCode != 503 || !strings.Contains(text, "being stopped") {
		t.Errorf("while it is being stopped: %d %s", response.StatusCode, text)
	}
	if _, text := w.ask("nobody", "GET", "/metrics", "", ""); !strings.Contains(text, "nightshift_gateway_requests_total{route=\"other\",status=\"404\"} 1\n") ||
		!strings.Contains(text, `{route="GET /readyz",status="200"}`) {
		t.Errorf("metrics:\n%s", text)
	}
	request, _ := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/batches", strings.NewReader("{}"))
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	if response, _ := w.do(request); response.StatusCode != 403 {
		t.Errorf("a page of another site: %d", response.StatusCode)
	}
	w.server.Keys = nil
	request, _ = http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/models", nil)
	request.Host = "evil.example"
	if response, _ := w.do(request); response.StatusCode != 403 {
		t.Errorf("a name of another site, without keys: %d", response.StatusCode)
	}
	if response, _ := w.ask("nobody", "GET", "/v1/models", "", ""); response.StatusCode != 200 {
		t.Errorf("this machine, without keys: %d", response.StatusCode)
	}
}

// TestFiftyClients use two servers at once, each going through all of it.
func TestFiftyClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Limits.OpenBatches, c.Limits.RequestsPerMinute = 1000, 1_000_000
	})
	_, other := w.serve()
	var clients sync.WaitGroup
	for i := range 50 {
		clients.Go(func() {
			if err := w.goThrough(w.clientAt([]string{w.url, other}[i%2], []string{"alpha", "beta"}[i/2%2])); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	clients.Wait()
}

// goThrough is one client: upload, create, poll, list, download, delete.
func (w *world) goThrough(client openai.Client) error {
	ctx := w.Context()
	file, err := client.Files.New(ctx, openai.FileNewParams{File: openai.File(strings.NewReader(lines(5)), "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch})
	if err != nil {
		return err
	}
	batch, err := client.Batches.New(ctx, batchParams(file.ID))
	if err != nil {
		return err
	}
	w.finish(batch.ID, jobs200(), "{}\n", "")
	ended, err := client.Batches.Get(ctx, batch.ID)
	if err != nil || ended.Status != openai.BatchStatusCompleted {
		return fmt.Errorf("batch is %v: %w", ended, err)
	}
	page, err := client.Batches.List(ctx, openai.BatchListParams{Limit: openai.Int(100)})
	if err != nil || len(page.Data) == 0 {
		return fmt.Errorf("list: %w", err)
	}
	content, err := client.Files.Content(ctx, ended.OutputFileID)
	if err != nil {
		return err
	}
	content.Body.Close()
	for _, id := range []string{file.ID, ended.OutputFileID} {
		_, err = client.Files.Delete(ctx, id)
		if err != nil {
			return err
		}
	}
	if _, err = client.Files.Get(ctx, ended.OutputFileID); err == nil {
		return errors.New("a deleted file is there")
	}
	return nil
}
