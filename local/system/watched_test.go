package system

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// watched is a process of the built program that is watched as in production:
// its log is kept, and its metrics are scraped.
type watched struct {
	*fixture
	*exec.Cmd
	log string // a file
}

// start starts a process with an environment on top of the world's.
func (f *fixture) start(environment []string, args ...string) *watched {
	f.Helper()
	w := &watched{fixture: f, Cmd: f.command(args...), log: filepath.Join(f.TempDir(), "log")}
	w.Env = append(w.Env, environment...)
	file, err := os.Create(w.log)
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	w.Stdout, w.Stderr = file, file
	if err := w.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { kill(w.Cmd) })
	return w
}

// startWorker starts one and waits until it is ready.
func (f *fixture) startWorker(environment ...string) *watched {
	f.Helper()
	w := f.start(environment, "worker", "--health-listen", "127.0.0.1:0")
	f.untilTrue("the worker is ready", func() bool { return strings.Contains(w.text(), "worker ready") })
	return w
}

// text is the log so far.
func (w *watched) text() string {
	w.Helper()
	text, err := os.ReadFile(w.log)
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

var listening = regexp.MustCompile(`http://[0-9.:]+`)

// url is where the process said that it listens.
func (w *watched) url() string {
	w.Helper()
	w.untilTrue("it says where it listens", func() bool { return listening.MatchString(w.text()) })
	return listening.FindString(w.text())
}

// stops ends the process as a supervisor does.
func (w *watched) stops() {
	w.Helper()
	if err := w.Process.Signal(syscall.SIGTERM); err != nil {
		w.Fatal(err)
	}
	_ = w.Wait()
}

// scrape reads the metrics, as text and as families by name.
func (w *watched) scrape() (string, map[string]*dto.MetricFamily) {
	w.Helper()
	response, err := http.Get(w.url() + "/metrics")
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		w.Fatal(err)
	}
	return string(text), families
}

// receiver takes traces by OTLP over HTTP.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	raw   []byte
	spans []*tracepb.Span
}

func (f *fixture) receiver() *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	f.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var export collector.ExportTraceServiceRequest
	if err != nil || request.URL.Path != "/v1/traces" || proto.Unmarshal(body, &export) != nil {
		http.Error(w, "not a trace", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw = append(r.raw, body...)
	for _, resource := range export.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// taken returns what came so far.
func (r *receiver) taken() (raw []byte, spans []*tracepb.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.raw, r.spans
}

// within bounds a test's calls.
func (f *fixture) within() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	f.Cleanup(cancel)
	return ctx
}
