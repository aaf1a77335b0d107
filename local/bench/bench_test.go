package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/nebius"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/objectstore"
	"github.com/nightshift-run/nightshift/local/stack"
)

func TestMain(m *testing.M) {
	if os.Getenv(bareVariable) == "" {
		os.Exit(m.Run())
	}
	if err := runBare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const (
	lines      = 50_000
	inFlight   = 256
	bucketName = "bench"
	inputURL   = "s3://" + bucketName + "/in.jsonl"
)

// BenchmarkJob runs 50,000 requests with 256 in flight, by the bare loop and by
// a nightshift worker, and reports both and their ratio. What is compared is
// all that the worker does for the requests: planning, sending and collecting.
func BenchmarkJob(b *testing.B) {
	for _, delay := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run("answer="+delay.String(), func(b *testing.B) {
			w := newWorld(b, delay)
			for b.Loop() {
				bare := w.bare(b)
				report, megabytes := w.nightshift(b)
				busy := 0.0
				for _, phase := range report.Phases {
					if phase.Phase != jobs.Warming && phase.Phase != jobs.Releasing {
						busy += phase.End.Sub(phase.Start).Seconds()
					}
				}
				b.ReportMetric(lines/bare, "bare-req/s")
				b.ReportMetric(lines/busy, "nightshift-req/s")
				b.ReportMetric(bare/busy, "ratio")
				b.ReportMetric(megabytes, "worker-MB")
				if delay > 0 {
					b.ReportMetric(busy/(lines/inFlight*delay.Seconds()), "of-ideal")
				}
			}
		})
	}
}

// world is everything but the two that are measured.
type world struct {
	*stack.Stack
	dir     string
	program string
}

func newWorld(b *testing.B, delay time.Duration) *world {
	b.Helper()
	dir := b.TempDir()
	w := &world{dir: dir, program: filepath.Join(dir, "nightshift")}
	build := exec.Command("go", "build", "-o", w.program, "github.com/nightshift-run/nightshift/cmd/nightshift")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	objects, err := objectstore.Start(b.Context(), objectstore.Options{Dir: filepath.Join(dir, "s3"), Address: "127.0.0.1:0", Buckets: []string{bucketName}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(objects.Stop)
	w.Stack, err = stack.Start(b.Context(), stack.Options{
		Dir: dir, InMemory: true, UIPort: -1, Objects: objects, CloudAddress: "127.0.0.1:0", NoWorker: true,
		Cloud:  sim.Options{WarmUp: 100 * time.Millisecond, Drain: sim.None, Model: sim.Model{TimeToFirstToken: delay}},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(w.Stop)
	var input bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&input, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b","messages":[{"role":"user","content":"question %d, and some more words so that it is of an ordinary length"}],"max_tokens":16}}`+"\n", i, i)
	}
	if _, err := w.Store.Put(b.Context(), inputURL, input.Bytes(), bucket.PutOptions{}); err != nil {
		b.Fatal(err)
	}
	return w
}

// bare runs the bare loop on an endpoint of its own and returns its seconds.
func (w *world) bare(b *testing.B) float64 {
	b.Helper()
	p, err := nebius.New(provider.Settings{Token: stack.Token, BaseURL: w.CloudURL})
	if err != nil {
		b.Fatal(err)
	}
	state, err := p.Create(b.Context(), "bare", provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 1},
		Region: "eu-north1", Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		b.Fatal(err)
	}
	for state.Phase != provider.Ready {
		if state, err = p.Describe(b.Context(), state.ID); err != nil {
			b.Fatal(err)
		}
	}
	job, err := json.Marshal(bareJob{
		Input: inputURL, Output: "s3://" + bucketName + "/bare.jsonl", Endpoint: w.CloudURL + "/v1", Model: state.Model, Token: stack.Token, InFlight: inFlight,
		S3: w.Objects.Endpoint(), Region: w.Objects.Region(), Access: w.Objects.AccessKey(), Secret: w.Objects.SecretKey(),
	})
	if err != nil {
		b.Fatal(err)
	}
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), bareVariable+"="+string(job))
	out, err := command.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if err := p.Delete(b.Context(), state.ID); err != nil {
		b.Fatal(err)
	}
	return seconds
}

// nightshift runs the job on a worker process and returns its report and the
// most memory that the worker held.
func (w *world) nightshift(b *testing.B) (jobs.Report, float64) {
	b.Helper()
	worker := exec.Command(w.program, "worker")
	worker.Env = append(os.Environ(), "HOME="+w.dir)
	for _, variable := range w.Environment() {
		worker.Env = append(worker.Env, variable[0]+"="+variable[1])
	}
	if err := worker.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	}()
	id := jobs.NewID("bench", time.Now())
	spec := jobs.Spec{
		Name: "bench", Input: jobs.URLs{inputURL}, Output: "s3://" + bucketName + "/" + id + "/",
		Requests: jobs.Requests{Concurrency: inFlight},
		Endpoint: jobs.Endpoint{Provider: "nebius", Model: "openai/gpt-oss-120b", Flavor: "base", GPU: jobs.GPU{Type: "gpu-h100-sxm"}, Region: "eu-north1"},
	}
	if err := cli.Submit(b.Context(), w.Client, id, spec.WithDefaults()); err != nil {
		b.Fatal(err)
	}
	report, err := cli.Watch(context.Background(), w.Client, id, time.Second, func(cli.Snapshot) {})
	if err != nil {
		b.Fatal(err)
	}
	if report.Counts.Completed != lines {
		b.Fatalf("counts = %+v", report.Counts)
	}
	return *report, peakMemory(b, worker.Process.Pid)
}

// peakMemory is the largest resident set of a process so far, in MB.
func peakMemory(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Logf("no memory figure on this system: %v", err)
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	if _, err := fmt.Sscanf(after, "%f kB", &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}
