package system

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
)

// served is a test's world with OpenAI's API in front of it, by the built
// program.
type served struct {
	*fixture
	config, keys, key string
}

// hookSecretVariable is where the worker of these tests finds the webhook's
// secret.
const hookSecretVariable = "NIGHTSHIFT_TEST_SERVE_SECRET"

func newServed(t *testing.T, o stack.Options, webhook string) *served {
	t.Helper()
	f := newFixture(t, o)
	s := &served{fixture: f, config: filepath.Join(t.TempDir(), "serve.yaml"), keys: filepath.Join(t.TempDir(), "keys.yaml")}
	text := "root: " + f.folder + `/openai/
models:
  - name: openai/gpt-oss-120b
    endpoint: {provider: nebius, model: openai/gpt-oss-120b, flavor: base, gpu: {type: gpu-h100-sxm}, region: eu-north1}
    linger: 1s
completion_windows: [24h, 8s]
limits: {requests_per_minute: 100000}
`
	if webhook != "" {
		text += fmt.Sprintf("webhook: {url: %q, secret_env: %s}\n", webhook, hookSecretVariable)
	}
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, talk, code := f.run("serve", "key", "--tenant", "acme", "--keys", s.keys)
	if code != 0 {
		t.Fatal(talk)
	}
	_, s.key, _ = strings.Cut(strings.TrimSpace(talk), "only now: ")
	return s
}

// serve starts a server as a process, and a client of it.
func (s *served) serve(flags ...string) (process *exec.Cmd, url string, client openai.Client) {
	s.Helper()
	process = s.command(slices.Concat([]string{"serve", "--listen", "127.0.0.1:0", "--keys", s.keys}, flags, []string{s.config})...)
	talk, err := process.StderrPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := process.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { kill(process) })
	lines := bufio.NewScanner(talk)
	for url == "" && lines.Scan() {
		_, after, _ := strings.Cut(lines.Text(), "OpenAI's API on ")
		url, _, _ = strings.Cut(after, "/v1")
	}
	if url == "" {
		s.Fatal("the server did not say where it is")
	}
	go func() { _, _ = io.Copy(io.Discard, talk) }()
	return process, url, openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(s.key))
}

// prompts is an input of n requests.
func prompts(n int, model string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"custom_id":"r-%05d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[{"role":"user","content":"question %d"}],"max_tokens":8}}`+"\n", i, model, i)
	}
	return text.String()
}

// create uploads an input and starts a batch of it.
func (s *served) create(client openai.Client, input string) *openai.Batch {
	s.Helper()
	return s.createFor(client, input, openai.BatchNewParamsCompletionWindow24h)
}

// createFor is create with another completion window.
func (s *served) createFor(client openai.Client, input string, window openai.BatchNewParamsCompletionWindow) *openai.Batch {
	s.Helper()
	file, err := client.Files.New(s.Context(), openai.FileNewParams{File: openai.File(strings.NewReader(input), "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch})
	if err != nil {
		s.Fatal(err)
	}
	batch, err := client.Batches.New(s.Context(), openai.BatchNewParams{
		InputFileID: file.ID, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: window,
	})
	if err != nil {
		s.Fatal(err)
	}
	if batch.Status != openai.BatchStatusValidating {
		s.Errorf("a new batch is %s", batch.Status)
	}
	return batch
}

// until polls a batch until a condition holds.
func (s *served) until(client openai.Client, id string, condition func(*openai.Batch) bool) *openai.Batch {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		batch, err := client.Batches.Get(ctx, id)
		if err != nil {
			s.Fatal(err)
		}
		if condition(batch) {
			return batch
		}
		if over(batch) {
			s.Fatalf("the moment that the test waited for never came: %s", batch.RawJSON())
		}
		<-ticker.C
	}
}

func over(b *openai.Batch) bool { return b.CompletedAt+b.FailedAt+b.ExpiredAt+b.CancelledAt > 0 }

// content reads a file's lines; of no file there are none.
func (s *served) content(client openai.Client, id string) (lines []line) {
	s.Helper()
	if id == "" {
		return nil
	}
	response, err := client.Files.Content(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	for decoder := json.NewDecoder(response.Body); ; {
		var one line
		switch err := decoder.Decode(&one); {
		case err == io.EOF:
			return lines
		case err != nil:
			s.Fatal(err)
		}
		lines = append(lines, one)
	}
}

// newWebhook starts a receiver of webhooks that OpenAI's own client checks, and
// returns how to wait until it has heard of a batch's end.
func newWebhook(t *testing.T) (url string, heard func(openai.BatchStatus, string)) {
	t.Helper()
	events := make(chan string, 10)
	hooks := openai.NewClient(option.WithAPIKey("any"), option.WithWebhookSecret(hookSecret))
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		event, err := hooks.Webhooks.Unwrap(body, r.Header)
		if err != nil {
			t.Errorf("webhook: %v: %s", err, body)
			return
		}
		events <- event.Type + " " + event.AsBatchCompleted().Data.ID // all four have the same data
	}))
	t.Cleanup(receiver.Close)
	return receiver.URL, func(status openai.BatchStatus, batch string) {
		t.Helper()
		select {
		case got := <-events:
			if want := "batch." + string(status) + " " + batch; got != want {
				t.Errorf("the webhook heard %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Errorf("the webhook did not hear that %s is %s", batch, status)
		}
	}
}

// TestServe_KilledInMidBatch: the client goes on with another server, as if
// nothing had been, and the webhook hears of the end as OpenAI tells it.
func TestServe_KilledInMidBatch(t *testing.T) {
	t.Parallel()
	webhook, heard := newWebhook(t)
	s := newServed(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: 300 * time.Millisecond}}}, webhook)
	first, _, client := s.serve()
	_, _, other := s.serve()
	batch := s.create(client, prompts(300, "openai/gpt-oss-120b"))
	s.until(client, batch.ID, func(b *openai.Batch) bool { return b.InProgressAt > 0 })
	kill(first)
	ended := s.until(other, batch.ID, over)
	if ended.Status != openai.BatchStatusCompleted || ended.RequestCounts.Completed != 300 || ended.Usage.TotalTokens == 0 || ended.ErrorFileID != "" {
		t.Errorf("ended as %s", ended.RawJSON())
	}
	if lines := s.content(other, ended.OutputFileID); len(lines) != 300 || lines[299].CustomID != "r-00299" {
		t.Errorf("%d lines", len(lines))
	}
	page, err := other.Files.List(t.Context(), openai.FileListParams{Purpose: openai.String("batch_output")})
	if err != nil || len(page.Data) != 1 || page.Data[0].ID != ended.OutputFileID {
		t.Errorf("output files: %v, %v", page, err)
	}
	heard(openai.BatchStatusCompleted, batch.ID)
	s.untilReleased()
}

// TestServe_CancelledExpiredRefused: a batch that is cancelled or whose window
// closes keeps what it has, and a bad one says all that is wrong with it and
// rents nothing. The webhook hears of each.
func TestServe_CancelledExpiredRefused(t *testing.T) {
	t.Parallel()
	webhook, heard := newWebhook(t)
	s := newServed(t, stack.Options{Cloud: sim.Options{Model: sim.Model{TimeToFirstToken: time.Second}}}, webhook)
	_, _, client := s.serve()
	bad := s.create(client, prompts(1, "gpt-9")+"no JSON\n")
	failed := s.until(client, bad.ID, over)
	if failed.Status != openai.BatchStatusFailed || len(failed.Errors.Data) != 2 || failed.Errors.Data[0].Code != "model_not_found" || failed.Errors.Data[0].Line != 1 ||
		!strings.Contains(failed.Errors.Data[0].Message, "openai/gpt-oss-120b") || failed.Errors.Data[1].Code != "invalid_json_line" || failed.Errors.Data[1].Line != 2 {
		t.Errorf("a bad input: %s", failed.RawJSON())
	}
	heard(openai.BatchStatusFailed, bad.ID)
	s.endpoints(0)
	batch := s.create(client, prompts(5000, "openai/gpt-oss-120b"))
	s.until(client, batch.ID, func(b *openai.Batch) bool { return b.RequestCounts.Completed > 0 })
	cancelling, err := client.Batches.Cancel(t.Context(), batch.ID)
	if err != nil || cancelling.Status != openai.BatchStatusCancelling {
		t.Fatal(cancelling, err)
	}
	ended := s.until(client, batch.ID, over)
	done, rest := s.content(client, ended.OutputFileID), s.content(client, ended.ErrorFileID)
	if ended.Status != openai.BatchStatusCancelled || len(done) == 0 || len(done)+len(rest) != 5000 || rest[0].kind() != "batch_cancelled" {
		t.Errorf("%d and %d lines, %s", len(done), len(rest), ended.RawJSON())
	}
	heard(openai.BatchStatusCancelled, batch.ID)
	batch = s.createFor(client, prompts(5000, "openai/gpt-oss-120b"), "8s")
	ended = s.until(client, batch.ID, over)
	if lines := len(s.content(client, ended.OutputFileID)) + len(s.content(client, ended.ErrorFileID)); ended.Status != openai.BatchStatusExpired || lines != 5000 {
		t.Errorf("%d lines, %s", lines, ended.RawJSON())
	}
	heard(openai.BatchStatusExpired, batch.ID)
	s.untilReleased()
}

// TestServe_KilledInMidUpload: no file, and what S3 still holds of it can be
// thrown away.
func TestServe_KilledInMidUpload(t *testing.T) {
	t.Parallel()
	s := newServed(t, stack.Options{NoWorker: true}, "")
	process, url, _ := s.serve()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000000\r\n\r\n"+
		"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\n", s.key)
	if _, err := io.Copy(conn, bytes.NewReader(make([]byte, 40<<20))); err != nil {
		t.Fatal(err)
	}
	kill(process) // it took in 40 MiB but for what sockets hold, so some parts are with S3
	_, _, client := s.serve()
	page, err := client.Files.List(t.Context(), openai.FileListParams{})
	if err != nil || len(page.Data) != 0 {
		t.Errorf("files: %v, %v", page, err)
	}
	for object, err := range s.Store.List(t.Context(), s.folder+"/openai/") {
		t.Errorf("left: %s, %v", object.URL, err)
	}
	for _, want := range []int{1, 0} {
		if got, err := s.Store.Abandon(t.Context(), s.folder+"/openai/", time.Now().Add(time.Hour)); err != nil || got != want {
			t.Errorf("%d unfinished uploads, %v; want %d", got, err, want)
		}
	}
}
