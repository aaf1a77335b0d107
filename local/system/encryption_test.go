package system

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/nightshift-run/nightshift/internal/encryption"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/stack"
)

// TestEncryption_RotationInMidJob runs a job whose key is replaced while its
// endpoint warms up, and looks at what Temporal has kept with eyes that have no
// key.
func TestEncryption_RotationInMidJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true, Cloud: sim.Options{WarmUp: 8 * time.Second}})
	keys := keyring{T: t, path: filepath.Join(t.TempDir(), "keys")}
	older, newer, foreign := keys.make("older"), keys.make("newer"), keys.make("foreign")
	keys.holds(older)
	with := outsider{f, []string{"NIGHTSHIFT_ENCRYPTION_KEYS_FILE=" + keys.path}}
	w := f.startWorker(with.environment...)

	with.succeeds("submit", "--id", "sealed", f.jobFile(f.spec(60)))
	f.untilTrue("an endpoint is asked for", func() bool { return len(f.Cloud.Ledger().Entries) > 0 })
	keys.holds(older, newer)
	keys.holds(newer, older)
	if stdout := with.succeeds("watch", "sealed"); !strings.Contains(stdout, "60 completed") {
		t.Errorf("watch says:\n%s", stdout)
	}
	for _, command := range [][]string{{"status", "sealed"}, {"report", "sealed"}, {"list"}, {"results", "sealed"}} {
		with.succeeds(command...)
	}
	outsider{f, nil}.fails("there is no key here", "status", "sealed")
	outsider{f, []string{"NIGHTSHIFT_ENCRYPTION_KEYS=" + foreign}}.fails(`encrypted with key "`, "status", "sealed")
	outsider{f, []string{"NIGHTSHIFT_ENCRYPTION_KEYS=not a key"}}.fails("line 1", "status", "sealed")

	sealed := f.allSealed()
	if sealed["older"] == 0 || sealed["newer"] == 0 || len(sealed) != 2 {
		t.Errorf("payloads by key: %v", sealed)
	}
	w.stops()
	f.nothingRuns()
	f.webUIDecodes(with)
}

// keyring is a file of keys.
type keyring struct {
	*testing.T
	path string
}

func (k keyring) make(id string) string {
	k.Helper()
	line, err := encryption.NewKey(id)
	if err != nil {
		k.Fatal(err)
	}
	return line
}

// holds replaces the file, as an operator or Kubernetes does.
func (k keyring) holds(lines ...string) {
	k.Helper()
	replace(k.T, k.path, strings.Join(lines, "\n")+"\n")
}

// allSealed checks that no history or description tells where the job's files
// are, and counts payloads by key.
func (f *fixture) allSealed() map[string]int {
	f.Helper()
	byKey := map[string]int{}
	counting := proxy.VisitPayloadsOptions{SkipSearchAttributes: true, Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, payload := range payloads {
			byKey[string(payload.GetMetadata()["encryption-key-id"])]++
		}
		return payloads, nil
	}}
	for _, execution := range f.endedWorkflows() {
		for _, event := range f.events(execution) {
			f.isSealed(event)
			if err := proxy.VisitPayloads(f.within(), event, counting); err != nil {
				f.Fatal(err)
			}
		}
	}
	return byKey
}

// endedWorkflows are the job and its Endpoint; what the worker started by itself
// has no secrets.
func (f *fixture) endedWorkflows() []*commonpb.WorkflowExecution {
	var all []*commonpb.WorkflowExecution
	for _, id := range []string{"sealed", "endpoint/sealed"} {
		described, err := f.Client.DescribeWorkflowExecution(f.within(), id, "")
		if err != nil {
			f.Fatal(err)
		}
		f.isSealed(described)
		all = append(all, described.GetWorkflowExecutionInfo().GetExecution())
	}
	listed, err := f.Client.ListWorkflow(f.within(), &workflowservice.ListWorkflowExecutionsRequest{})
	if err != nil {
		f.Fatal(err)
	}
	f.isSealed(listed)
	return all
}

func (f *fixture) events(of *commonpb.WorkflowExecution) (all []*historypb.HistoryEvent) {
	f.Helper()
	events := f.Client.GetWorkflowHistory(f.within(), of.GetWorkflowId(), of.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, event)
	}
	return all
}

func (f *fixture) isSealed(message proto.Message) {
	f.Helper()
	text, err := proto.Marshal(message)
	if err != nil {
		f.Fatal(err)
	}
	for _, plain := range []string{f.folder, "out/", "every request is answered"} {
		if bytes.Contains(text, []byte(plain)) {
			f.Errorf("%q can be read in %.2000s", plain, text)
		}
	}
}

// webUIDecodes asks the codec endpoint as the Web UI's pages do.
func (f *fixture) webUIDecodes(with outsider) {
	f.Helper()
	token := filepath.Join(f.TempDir(), "token")
	if err := os.WriteFile(token, []byte("let me\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	with.fails("give --token-file", "codec", "serve", "--listen", "0.0.0.0:0")
	codec := f.start(with.environment, "codec", "serve", "--listen", "127.0.0.1:0", "--origin", "http://ui.example", "--token-file", token)
	input := f.events(&commonpb.WorkflowExecution{WorkflowId: "sealed"})[0].GetWorkflowExecutionStartedEventAttributes().GetInput()
	asked, err := protojson.Marshal(input)
	if err != nil {
		f.Fatal(err)
	}
	for _, call := range []struct {
		method, origin, token string
		status                int
	}{
		{"OPTIONS", "http://ui.example", "", http.StatusNoContent},
		{"OPTIONS", "http://elsewhere.example", "", http.StatusForbidden},
		{"POST", "http://elsewhere.example", "let me", http.StatusForbidden},
		{"POST", "http://ui.example", "", http.StatusUnauthorized},
		{"POST", "http://ui.example", "let m", http.StatusUnauthorized},
		{"POST", "http://ui.example", "let me", http.StatusOK},
	} {
		request, err := http.NewRequestWithContext(f.within(), call.method, codec.url()+"/decode", bytes.NewReader(asked))
		if err != nil {
			f.Fatal(err)
		}
		request.Header.Set("Origin", call.origin)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Namespace", stack.Namespace)
		if call.token != "" {
			request.Header.Set("Authorization", "Bearer "+call.token)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			f.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != call.status {
			f.Errorf("%s from %s with token %q: %s %s", call.method, call.origin, call.token, response.Status, body)
		}
		if call.status < 300 && response.Header.Get("Access-Control-Allow-Origin") != call.origin {
			f.Errorf("%s: browsers may not read it: %v", call.method, response.Header)
		}
		if call.status != http.StatusOK {
			continue
		}
		var opened commonpb.Payloads
		if err := protojson.Unmarshal(body, &opened); err != nil || !strings.Contains(string(opened.GetPayloads()[0].GetData()), f.folder) {
			f.Errorf("decoded %v: %s", err, body)
		}
	}
}
