package system

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/workflows"
)

// TestServe_FiveBatchesOneRental: batches for one model, given to two servers,
// cost one rental by the cloud's ledger, and their bills with what was idle add
// up to it.
func TestServe_FiveBatchesOneRental(t *testing.T) {
	t.Parallel()
	s := newServed(t, stack.Options{Cloud: sim.Options{WarmUp: 3 * time.Second, Model: sim.Model{TimeToFirstToken: 100 * time.Millisecond, MaxStreams: 16}}}, "")
	var clients [2]openai.Client
	for i := range clients {
		_, _, clients[i] = s.serve()
	}
	var batches []string
	for i := range 5 {
		batches = append(batches, s.create(clients[i%2], prompts(100*(i+1), "openai/gpt-oss-120b")).ID)
	}
	var billed float64
	for i, id := range batches {
		ended := s.until(clients[0], id, over)
		if lines := s.content(clients[1], ended.OutputFileID); ended.Status != openai.BatchStatusCompleted || len(lines) != 100*(i+1) {
			t.Errorf("%d lines of %s", len(lines), ended.RawJSON())
		}
		report := s.report(id)
		if len(report.Rentals) != 1 || report.Rentals[0].Shared == nil {
			t.Errorf("rentals of %s: %+v", id, report.Rentals)
		}
		billed += report.GPUSeconds()
	}
	s.untilReleased()
	s.endpoints(1)
	whole := s.released(s.onlyEndpoint())
	idle, ledger := whole.Shared.Idle*float64(whole.GPUs), s.Cloud.Ledger().Total.GPUSeconds
	t.Logf("five batches were billed for %.2f GPU seconds and none for %.2f; the ledger has %.2f", billed, idle, ledger)
	if whole.Shared.Jobs != 5 || math.Abs(billed+idle-whole.GPUSeconds()) > 0.01 || math.Abs(billed+idle-ledger) > 1.5 {
		t.Errorf("the parts add up to %.2f GPU seconds, the Endpoint counted %.2f, the ledger %.2f", billed+idle, whole.GPUSeconds(), ledger)
	}
}

// report is that of a batch's job.
func (s *served) report(batch string) (report jobs.Report) {
	s.Helper()
	reader, err := s.Store.Open(s.Context(), s.folder+"/openai/tenants/acme/results/"+batch+"/report.json", bucket.ReadOptions{})
	if err != nil {
		s.Fatal(err)
	}
	defer reader.Close()
	if err := json.NewDecoder(reader).Decode(&report); err != nil {
		s.Fatal(err)
	}
	return report
}

// onlyEndpoint is the id of the one Endpoint workflow that there was.
func (s *served) onlyEndpoint() (id string) {
	s.Helper()
	s.fixture.until("the Endpoint is listed", func() bool {
		found, err := s.Client.ListWorkflow(s.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: stack.Namespace, Query: "WorkflowType = '" + workflows.EndpointWorkflow + "'",
		})
		if err != nil {
			s.Fatal(err)
		}
		if len(found.GetExecutions()) == 0 {
			return false
		}
		id = found.GetExecutions()[0].GetExecution().GetWorkflowId()
		return true
	})
	return id
}

// TestServe_Stopped by SIGTERM: it says first that it is not ready, and goes on;
// then what is under way comes to its end.
func TestServe_Stopped(t *testing.T) {
	t.Parallel()
	s := newServed(t, stack.Options{NoWorker: true}, "")
	process, url, client := s.serve("--stop-delay", "5s", "--stop-timeout", patience.String())
	content := strings.Repeat("x", 32<<20)
	kept, err := client.Files.New(t.Context(), openai.FileNewParams{File: openai.File(strings.NewReader(content), "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch})
	if err != nil {
		t.Fatal(err)
	}
	download, err := client.Files.Content(t.Context(), kept.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer download.Body.Close()
	body, more := io.Pipe()
	uploaded := make(chan error, 1)
	go func() {
		_, err := client.Files.New(t.Context(), openai.FileNewParams{File: openai.File(body, "in.jsonl", "application/jsonl"), Purpose: openai.FilePurposeBatch})
		uploaded <- err
	}()
	if _, err := io.WriteString(more, content[:1<<20]); err != nil {
		t.Fatal(err)
	}
	if status := s.status(url + "/readyz"); status != 200 {
		t.Errorf("before: %d", status)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.fixture.until("it says that it is not ready", func() bool { return s.status(url+"/readyz") == 503 })
	if status := s.status(url + "/healthz"); status != 200 {
		t.Errorf("it lives: %d", status)
	}
	if _, err := io.WriteString(more, content); err != nil {
		t.Fatal(err)
	}
	more.Close()
	if err := <-uploaded; err != nil {
		t.Errorf("upload: %v", err)
	}
	if n, err := io.Copy(io.Discard, download.Body); err != nil || n != int64(len(content)) {
		t.Errorf("download: %d bytes, %v", n, err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// status asks for a page, whose text does not matter.
func (s *served) status(url string) int {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
