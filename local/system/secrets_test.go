package system

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
)

// What is planted in the places where secrets are, each in a word of its own.
const (
	plantedPrompt = "planted-prompt-Xq7"
	plantedAnswer = "planted-answer-Xq7"
	plantedError  = "planted-error-Xq7"
	plantedToken  = "planted-token-Xq7"
	plantedHeader = "planted-header-Xq7"
	plantedHook   = "planted-hook-Xq7"
	plantedOTLP   = "planted-otlp-Xq7"
	plantedSecret = "planted-hook-secret-Xq7-0123456789"
)

// TestSecrets_StayWhereTheyBelong runs jobs of every kind, with trouble of every
// kind, and looks for what was planted in all that leaves the bucket and the
// endpoint: logs, histories, reports, metrics and traces.
func TestSecrets_StayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	model, otlp := newPlantedModel(t), f.receiver()
	signing := "whsec_" + base64.StdEncoding.EncodeToString([]byte(plantedSecret))
	environment := []string{
		"STATIC_API_KEY=" + plantedToken, "NIGHTSHIFT_HEADER_TEAM=" + plantedHeader,
		"HOOK=" + model.URL + "/" + plantedHook, "HOOK_SECRET=" + signing,
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + otlp.URL, "OTEL_EXPORTER_OTLP_HEADERS=api-key=" + plantedOTLP, "NIGHTSHIFT_TRACE_REQUESTS=1",
		"NIGHTSHIFT_LOG_LEVEL=debug",
	}
	workers := []*watched{f.startWorker(append(environment, "NIGHTSHIFT_LOG_FORMAT=json")...), f.startWorker(environment...)}
	f.plantInput()
	f.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.Status, Count: 10, Body: `{"error":{"message":"` + plantedError + `"}}`})
	var said strings.Builder
	for _, job := range f.plantedJobs(model.URL) {
		stdout, talk, code := f.run("run", "--id", job.id, job.file)
		said.WriteString(stdout + talk)
		if code != job.code {
			t.Errorf("%s: exit code %d, want %d\n%s%s", job.file, code, job.code, stdout, talk)
		}
		for _, command := range [][]string{{"status", job.id}, {"report", job.id}, {"list"}} {
			stdout, talk, _ := f.run(command...)
			said.WriteString(stdout + talk)
		}
	}
	f.untilTrue("the webhook is told", model.wasTold)
	f.lookIn("what commands said", []byte(said.String()))
	for _, w := range workers {
		metrics, _ := w.scrape()
		f.lookIn("metrics", []byte(metrics))
		w.stops()
		f.lookIn("a worker's log", []byte(w.text()))
	}
	if !json.Valid([]byte(strings.SplitN(workers[0].text(), "\n", 2)[0])) {
		t.Errorf("no JSON: %s", workers[0].text())
	}
	traces, spans := otlp.taken()
	f.lookIn("traces", traces)
	model.wasTraced(t, len(spans))
	f.lookInHistories()
	f.lookInReports()
}

// plantedModel is an endpoint whose answers and errors are planted, and that
// takes the webhook's notices as well.
type plantedModel struct {
	*httptest.Server
	mu      sync.Mutex
	asked   map[string]int // how often, by prompt
	traced  int            // requests with a traceparent
	headers int            // requests with the planted header and token
	told    bool
}

func newPlantedModel(t *testing.T) *plantedModel {
	m := &plantedModel{asked: map[string]int{}}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *plantedModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, plantedHook):
		m.told = true
	case strings.HasSuffix(r.URL.Path, "/models"):
		fmt.Fprint(w, `{"object":"list","data":[{"id":"my-model"}]}`)
	case r.Header.Get("X-Deny") != "":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"%s %s"}}`, plantedError, r.Header.Get("Authorization"))
	default:
		m.answer(w, r, string(body))
	}
}

// answer refuses every fifth prompt, and fails at the others' first attempt.
func (m *plantedModel) answer(w http.ResponseWriter, r *http.Request, body string) {
	if r.Header.Get("Traceparent") != "" {
		m.traced++
	}
	if r.Header.Get("X-Team") == plantedHeader && r.Header.Get("Authorization") == "Bearer "+plantedToken {
		m.headers++
	}
	m.asked[body]++
	switch {
	case !strings.Contains(body, plantedPrompt): // the probe
	case strings.Contains(body, "0 of"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"message":"%s in %q"}}`, plantedError, body)
		return
	case m.asked[body] == 1 && strings.Contains(body, "1 of"):
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, `{"error":{"message":"%s in %q"}}`, plantedError, body)
		return
	case m.asked[body] == 1 && strings.Contains(body, "2 of"):
		fmt.Fprintf(w, `%s, no JSON`, plantedError)
		return
	case m.asked[body] == 1:
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `{"error":{"message":"%s in %q"}}`, plantedError, body)
		return
	}
	fmt.Fprintf(w, `{"id":"1","object":"chat.completion","model":"my-model","choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}`, plantedAnswer)
}

func (m *plantedModel) wasTold() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

// wasTraced checks that what was planted came where it belongs, or the test
// would prove nothing.
func (m *plantedModel) wasTraced(t *testing.T, spans int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.traced == 0 || m.headers == 0 || spans == 0 {
		t.Errorf("%d requests with a traceparent, %d with header and token, %d spans", m.traced, m.headers, spans)
	}
}

func (f *fixture) plantInput() {
	f.Helper()
	var input bytes.Buffer
	for i := range 50 {
		fmt.Fprintf(&input, `{"custom_id":"r-%05d","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"%s %d of 50"}],"max_tokens":8}}`+"\n", i, plantedPrompt, i)
	}
	f.put(f.folder+"/planted.jsonl", input.Bytes())
	f.put(f.folder+"/broken.jsonl", []byte(`{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"messages":"`+plantedPrompt+`"}}`+"\n"+plantedPrompt+"\n"))
}

// plantedJob is a job file, and how its run ends.
type plantedJob struct {
	file, id string
	code     int
}

func (f *fixture) plantedJobs(model string) (all []plantedJob) {
	f.Helper()
	static := fmt.Sprintf("models: any\nendpoint: {provider: static, base_url: %q, model: my-model}\n", model+"/v1")
	notify := "notify: {webhook_env: HOOK, secret_env: HOOK_SECRET}\n"
	header := "requests: {attempts: 3, headers: {X-Team: \"${NIGHTSHIFT_HEADER_TEAM}\"}}\n"
	for _, job := range []struct {
		id, text string
		code     int
	}{
		{"static", "input: INPUT/planted.jsonl\n" + static + header + notify, 3},
		{"denied", "input: INPUT/planted.jsonl\n" + static + "requests: {headers: {X-Deny: \"yes\"}}\n" + notify, 2},
		{"broken", "input: INPUT/broken.jsonl\n" + static, 2},
		{"rented", "input: INPUT/planted.jsonl\nmodels: any\nendpoint: {provider: nebius, model: openai/gpt-oss-120b, flavor: base, gpu: {type: gpu-h100-sxm, count: 1}, region: eu-north1}\n", 0},
		{"batches", "input: INPUT/planted.jsonl\nmodels: any\nendpoint: {provider: nebius, model: openai/gpt-oss-120b, mode: provider-batch}\n", 0},
	} {
		path := filepath.Join(f.TempDir(), job.id+".yaml")
		text := strings.ReplaceAll(job.text, "INPUT", f.folder) + "name: " + job.id + "\noutput: " + f.folder + "/" + job.id + "/\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
		all = append(all, plantedJob{path, "planted-" + job.id, job.code})
	}
	return all
}

// lookIn fails for everything planted that a text holds.
func (f *fixture) lookIn(where string, text []byte) {
	f.Helper()
	if len(text) == 0 {
		f.Errorf("%s: there is nothing to look in", where)
	}
	planted := []string{
		plantedPrompt, plantedAnswer, plantedError, plantedToken, plantedHeader, plantedHook, plantedOTLP, plantedSecret,
		base64.StdEncoding.EncodeToString([]byte(plantedSecret)), f.Objects.SecretKey(),
	}
	for _, secret := range planted {
		if at := bytes.Index(text, []byte(secret)); at >= 0 {
			f.Errorf("%s: %s is in %q", where, secret, text[max(0, at-200):min(len(text), at+100)])
		}
	}
}

// lookInHistories looks into all events and all that can be described, whose
// payloads are plain.
func (f *fixture) lookInHistories() {
	f.Helper()
	ctx := f.within()
	var listed *workflowservice.ListWorkflowExecutionsResponse
	f.untilTrue("all jobs are listed", func() (all bool) {
		var err error
		if listed, err = f.Client.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{}); err != nil {
			f.Fatal(err)
		}
		return len(listed.GetExecutions()) >= 10
	})
	f.lookInMessage("the list", listed)
	for _, execution := range listed.GetExecutions() {
		id := execution.GetExecution().GetWorkflowId()
		events := f.Client.GetWorkflowHistory(ctx, id, execution.GetExecution().GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			event, err := events.Next()
			if err != nil {
				f.Fatal(err)
			}
			f.lookInMessage("the history of "+id, event)
		}
		described, err := f.Client.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			f.Fatal(err)
		}
		f.lookInMessage("the description of "+id, described)
	}
}

func (f *fixture) lookInMessage(where string, message proto.Message) {
	f.Helper()
	text, err := proto.Marshal(message)
	if err != nil {
		f.Fatal(err)
	}
	f.lookIn(where, text)
}

// lookInReports looks into all that lies below the outputs but the results
// themselves and what they are made of.
func (f *fixture) lookInReports() {
	f.Helper()
	results, looked := 0, 0
	for object, err := range f.Store.List(f.within(), f.folder+"/") {
		if err != nil {
			f.Fatal(err)
		}
		reader, err := f.Store.Open(f.within(), object.URL, bucket.ReadOptions{})
		if err != nil {
			f.Fatal(err)
		}
		text, err := io.ReadAll(reader)
		reader.Close()
		if err != nil {
			f.Fatal(err)
		}
		switch {
		case strings.HasSuffix(object.URL, ".jsonl"):
			if bytes.Contains(text, []byte(plantedAnswer)) {
				results++
			}
		case strings.HasSuffix(object.URL, ".json"), strings.HasSuffix(object.URL, ".html"):
			looked++
			f.lookIn(object.URL, text)
		}
	}
	if results == 0 || looked < 8 {
		f.Errorf("%d files with answers, %d reports", results, looked)
	}
}
