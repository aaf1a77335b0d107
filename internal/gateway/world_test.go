package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/jobs"
)

// world is a server on a folder of its own, in front of jobs that do what the
// test says.
type world struct {
	*testing.T
	dir    string
	store  *bucket.Store
	jobs   *jobList
	config Config
	keys   map[string]string // by tenant
	file   string            // of keys
	server *Server
	url    string

	mu    sync.Mutex
	later time.Duration // what the clock is ahead
}

// newWorld starts a server with two tenants; change may change what is served.
func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), keys: map[string]string{}}
	store, err := bucket.New(t.Context(), bucket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.store, w.jobs = store, &jobList{store: store, known: map[string]*job{}}
	config, err := ParseConfig("serve.yaml", []byte("root: file://"+w.dir+"/root/\nmodels:\n"+
		"  - {name: m, endpoint: {provider: static, model: m, base_url: \"http://127.0.0.1:1/v1\"}}\n"+
		"  - {name: for-beta, tenants: [beta], endpoint: {provider: static, model: m, base_url: \"http://127.0.0.1:1/v1\"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&config)
	}
	w.config = config
	w.makeKeys("alpha", "beta")
	w.server, w.url = w.serve()
	return w
}

func (w *world) makeKeys(tenants ...string) {
	w.Helper()
	text := "keys:\n"
	for _, tenant := range tenants {
		secret, key, err := NewKey(tenant, "")
		if err != nil {
			w.Fatal(err)
		}
		w.keys[tenant] = secret
		text += fmt.Sprintf("  - {tenant: %s, sha256: %s}\n", key.Tenant, key.SHA256)
	}
	w.file = filepath.Join(w.dir, "keys.yaml")
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// serve starts one more server on the same root.
func (w *world) serve() (*Server, string) {
	w.Helper()
	return w.serveLogging(slog.New(slog.DiscardHandler))
}

// serveLogging is serve with an access log.
func (w *world) serveLogging(logger *slog.Logger) (*Server, string) {
	w.Helper()
	keys, err := OpenKeys(w.file)
	if err != nil {
		w.Fatal(err)
	}
	server := New(Options{Config: w.config, Store: w.store, Runner: w.jobs, Keys: keys, Logger: logger, Now: w.now})
	listening := httptest.NewServer(server)
	w.Cleanup(listening.Close)
	return server, listening.URL
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.later)
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later += d
}

// client is OpenAI's, as a tenant that does not try again.
func (w *world) client(tenant string) openai.Client { return w.clientAt(w.url, tenant) }

func (w *world) clientAt(url, tenant string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(w.keys[tenant]), option.WithMaxRetries(0))
}

// lines is an input of n requests for the model m.
func lines(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}`+"\n", i)
	}
	return text.String()
}

// upload uploads a file as alpha.
func (w *world) upload(text string) *openai.FileObject {
	w.Helper()
	client := w.client("alpha")
	file, err := client.Files.New(w.Context(), openai.FileNewParams{
		File: openai.File(strings.NewReader(text), "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch,
	})
	if err != nil {
		w.Fatal(err)
	}
	return file
}

// batch creates a batch of one request as alpha.
func (w *world) batch() *openai.Batch {
	w.Helper()
	client := w.client("alpha")
	batch, err := client.Batches.New(w.Context(), batchParams(w.upload(lines(1)).ID))
	if err != nil {
		w.Fatal(err)
	}
	return batch
}

func batchParams(file string) openai.BatchNewParams {
	return openai.BatchNewParams{InputFileID: file, Endpoint: openai.BatchNewParamsEndpointV1ChatCompletions, CompletionWindow: openai.BatchNewParamsCompletionWindow24h}
}

// get reads a batch as alpha.
func (w *world) get(id string) *openai.Batch {
	w.Helper()
	client := w.client("alpha")
	batch, err := client.Batches.Get(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return batch
}

// ask sends a request as a tenant, without a client's help, and returns the
// answer with its body read.
func (w *world) ask(tenant, method, path, contentType, body string) (*http.Response, string) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+w.keys[tenant])
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	return response, string(text)
}

// left lists what lies below the root, partial files too, as paths.
func (w *world) left() (paths []string) {
	w.Helper()
	root := filepath.Join(w.dir, "root")
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(root, path)
			paths = append(paths, relative)
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	return paths
}

// jobList is a Runner whose jobs do what the test says.
type jobList struct {
	store *bucket.Store

	mu    sync.Mutex
	known map[string]*job
	fails error // of every Start
}

type job struct {
	spec  jobs.Spec
	sight Sight
}

func (l *jobList) Start(_ context.Context, id string, spec jobs.Spec) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails != nil {
		return l.fails
	}
	l.known[id] = &job{spec: spec, sight: Sight{Open: true, Phase: jobs.Planning}}
	return nil
}

func (l *jobList) Cancel(_ context.Context, id string) error {
	l.change(id, func(j *job) { j.sight.Cancelling = true })
	return nil
}

func (l *jobList) Look(_ context.Context, id string) (Sight, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j := l.known[id]; j != nil {
		return j.sight, nil
	}
	return Sight{}, ErrNoJob
}

// Model reads the first line as far as these tests need.
func (l *jobList) Model(ctx context.Context, input string) (string, error) {
	reader, err := l.store.Open(ctx, input, bucket.ReadOptions{})
	if err != nil {
		return "", ignoreAbsent(err)
	}
	defer reader.Close()
	var line struct {
		Body struct {
			Model string `json:"model"`
		} `json:"body"`
	}
	_ = json.NewDecoder(reader).Decode(&line) // what is no request names no model
	return line.Body.Model, nil
}

func (l *jobList) Problems(context.Context, string, string) ([]Problem, error) {
	param, line := "body.model", int64(1)
	return []Problem{{Code: "model_not_found", Message: "The model \"x\" does not exist", Param: &param, Line: &line}}, nil
}

func (l *jobList) Ready(context.Context) error { return nil }

func (l *jobList) Link(job string) string { return "http://ui.example/" + job }

// change changes a job under way.
func (l *jobList) change(id string, how func(*job)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j := l.known[id]; j != nil {
		how(j)
	}
}

// spec is what the job of a batch was started with.
func (w *world) spec(batch string) jobs.Spec {
	w.Helper()
	w.jobs.mu.Lock()
	defer w.jobs.mu.Unlock()
	j := w.jobs.known[jobs.BatchJob(batch)]
	if j == nil {
		w.Fatalf("no job was started for %s", batch)
	}
	return j.spec
}

// at is the moment so many seconds into the life of jobs that end.
func at(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0).UTC() }

// finish ends a batch's job as a job ends: results, if any, then the report.
func (w *world) finish(batch string, report jobs.Report, output, errors string) {
	w.Helper()
	id := jobs.BatchJob(batch)
	spec := w.spec(batch)
	report.Job, report.Finished = id, at(100)
	for name, text := range map[string]string{"output": output, "errors": errors} {
		if text == "" {
			continue
		}
		url := spec.Output + name + ".jsonl"
		w.put(url, text)
		report.Files = append(report.Files, jobs.File{URL: url, Bytes: int64(len(text))})
	}
	text, err := json.Marshal(report)
	if err != nil {
		w.Fatal(err)
	}
	w.put(spec.Output+".nightshift/"+id+"/parts/00000000/1.output.jsonl", output)
	w.put(spec.Output+"report.json", string(text))
	w.jobs.change(id, func(j *job) { j.sight = Sight{Report: &report} })
}

func (w *world) put(url, text string) {
	w.Helper()
	if _, err := w.store.Put(w.Context(), url, []byte(text), bucket.PutOptions{}); err != nil {
		w.Fatal(err)
	}
}

// phases are those of a job that went as it should.
func phases() []jobs.PhaseTime {
	return []jobs.PhaseTime{
		{Phase: jobs.Planning, Start: at(0), End: at(10)}, {Phase: jobs.Warming, Start: at(10), End: at(20)},
		{Phase: jobs.Running, Start: at(20), End: at(30)}, {Phase: jobs.Releasing, Start: at(30), End: at(40)},
		{Phase: jobs.Collecting, Start: at(40), End: at(100)},
	}
}

// compact is JSON without its indentation.
func compact(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out.String()
}
