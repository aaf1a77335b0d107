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
	"sync"
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
// all that the worker does for the requests: planning, sending and collecting,
// each of which is reported too. The seconds of processor time are those of the
// two processes alone, which a busy machine changes less.
func BenchmarkJob(b *testing.B) {
	for _, delay := range []time.Duration{0, 20 * time.Millisecond, 50 * time.Millisecond} {
		b.Run("answer="+delay.String(), func(b *testing.B) {
			w := newWorld(b, delay, lines)
			for b.Loop() {
				bare, bareCPU := w.bare(b)
				report, worker := w.nightshift(b, lines)
				seconds := secondsOf(report)
				busy := seconds[jobs.Planning] + seconds[jobs.Running] + seconds[jobs.Collecting]
				for _, phase := range []jobs.Phase{jobs.Planning, jobs.Running, jobs.Collecting} {
					b.ReportMetric(seconds[phase], string(phase)+"-s")
				}
				b.ReportMetric(bareCPU, "bare-cpu-s")
				b.ReportMetric(worker.cpu, "nightshift-cpu-s")
				b.ReportMetric(lines/bare, "bare-req/s")
				b.ReportMetric(lines/busy, "nightshift-req/s")
				b.ReportMetric(bare/busy, "ratio")
				b.ReportMetric(bare/seconds[jobs.Running], "sending-ratio")
				b.ReportMetric(worker.megabytes, "worker-MB")
				if delay > 0 {
					b.ReportMetric(seconds[jobs.Running]/(lines*delay.Seconds()/inFlight), "of-ideal")
				}
			}
		})
	}
}

// BenchmarkStorm runs 2,000 requests on an endpoint that answers every third
// with 429 and asks for a pause of a second.
func BenchmarkStorm(b *testing.B) {
	const lines = 2000
	w := newWorld(b, 0, lines)
	for b.Loop() {
		w.Cloud.Inject(sim.Fault{Op: sim.OpChat, Kind: sim.RetryAfter, Every: 3, RetryAfter: time.Second})
		report, _ := w.nightshift(b, lines)
		w.Cloud.ClearFaults()
		b.ReportMetric(secondsOf(report)[jobs.Running], "running-s")
		b.ReportMetric(float64(lines-report.Counts.Completed), "lost")
	}
}

// BenchmarkIdle reports how long an endpoint is billed before its first request
// and after its last answer, in seconds.
func BenchmarkIdle(b *testing.B) {
	const lines = 2000
	w := newWorld(b, 20*time.Millisecond, lines)
	for b.Loop() {
		w.nightshift(b, lines)
		entries := w.Cloud.Ledger().Entries
		last := entries[len(entries)-1]
		b.ReportMetric(last.FirstRequestAt.Sub(last.ReadyAt).Seconds(), "ready-to-first-request-s")
		b.ReportMetric(last.StopRequestedAt.Sub(last.LastAnswerAt).Seconds(), "last-answer-to-delete-s")
	}
}

// BenchmarkMemory reports the most memory that a worker ever held for an input
// of so many lines.
func BenchmarkMemory(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if os.Getenv("NIGHTSHIFT_BENCH_MILLION") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, lines := range sizes {
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			w := newWorld(b, 0, lines)
			for b.Loop() {
				_, worker := w.nightshift(b, int64(lines))
				b.ReportMetric(worker.megabytes, "worker-MB")
			}
		})
	}
}

// secondsOf is how long each phase took.
func secondsOf(report jobs.Report) map[jobs.Phase]float64 {
	seconds := map[jobs.Phase]float64{}
	for _, phase := range report.Phases {
		seconds[phase.Phase] += phase.End.Sub(phase.Start).Seconds()
	}
	return seconds
}

// world is everything but the two that are measured.
type world struct {
	*stack.Stack
	dir     string
	program string
}

func newWorld(b *testing.B, delay time.Duration, lines int) *world {
	b.Helper()
	return newWorldOn(b, sim.Options{WarmUp: 100 * time.Millisecond, Drain: sim.None, Model: sim.Model{TimeToFirstToken: delay}}, lines)
}

func newWorldOn(b *testing.B, cloud sim.Options, lines int) *world {
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
		Cloud: cloud, Logger: slog.New(slog.DiscardHandler),
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

// bare runs the bare loop on an endpoint of its own and returns its seconds, and
// those of the processor.
func (w *world) bare(b *testing.B) (seconds, cpu float64) {
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
	if seconds, err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if err := p.Delete(b.Context(), state.ID); err != nil {
		b.Fatal(err)
	}
	return seconds, cpuOf(command.ProcessState)
}

func cpuOf(process *os.ProcessState) float64 {
	return (process.UserTime() + process.SystemTime()).Seconds()
}

// used is what a worker process took for a job.
type used struct{ megabytes, cpu float64 }

// nightshift runs a job on one replica, and with inFlight requests in flight.
func (w *world) nightshift(b *testing.B, lines int64) (jobs.Report, used) {
	b.Helper()
	return w.nightshiftOn(b, lines, jobs.Replicas{}, inFlight)
}

// nightshiftOn runs the job on a worker process and returns its report and what
// the process took.
func (w *world) nightshiftOn(b *testing.B, lines int64, replicas jobs.Replicas, inFlight int) (jobs.Report, used) {
	b.Helper()
	worker := exec.Command(w.program, "worker")
	worker.Env = append(os.Environ(), "HOME="+w.dir)
	for _, variable := range w.Environment() {
		worker.Env = append(worker.Env, variable[0]+"="+variable[1])
	}
	if err := worker.Start(); err != nil {
		b.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	})
	defer end()
	id := jobs.NewID("bench", time.Now())
	spec := jobs.Spec{
		Name: "bench", Input: jobs.URLs{inputURL}, Output: "s3://" + bucketName + "/" + id + "/",
		Requests: jobs.Requests{Concurrency: inFlight},
		Endpoint: jobs.Endpoint{Provider: "nebius", Model: "openai/gpt-oss-120b", Flavor: "base", GPU: jobs.GPU{Type: "gpu-h100-sxm"}, Region: "eu-north1", Replicas: replicas},
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
	megabytes := peakMemory(b, worker.Process.Pid)
	end()
	return *report, used{megabytes, cpuOf(worker.ProcessState)}
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
