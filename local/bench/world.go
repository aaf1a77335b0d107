package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// world is everything but the two that are measured: Temporal, an S3 server and
// a simulated cloud, all in this process.
type world struct {
	*stack.Stack
	program string // the bare loop's
	worker  string
	dir     string
	model   sim.Model
}

// begin starts a world with an input of so many lines, each of which asks for so
// many tokens at most; Stop must be called.
func (b *bench) begin(ctx context.Context, cloud sim.Options, lines int64, maxTokens int) (w *world, input string, err error) {
	if w, err = b.start(ctx, cloud); err != nil {
		return nil, "", err
	}
	if input, err = w.put(ctx, lines, maxTokens); err != nil {
		w.Stop()
	}
	return w, input, err
}

func (b *bench) start(ctx context.Context, cloud sim.Options) (*world, error) {
	dir, err := os.MkdirTemp(b.Dir, "world-*")
	if err != nil {
		return nil, err
	}
	cloud.WarmUp, cloud.Drain = 100*time.Millisecond, sim.None
	w := &world{program: b.Program, worker: b.Worker, dir: dir, model: cloud.Model}
	w.Stack, err = stack.Start(ctx, stack.Options{
		Dir: dir, InMemory: true, UIPort: -1, Objects: b.objects, CloudAddress: "127.0.0.1:0", NoWorker: true,
		Cloud: cloud, Logger: slog.New(slog.DiscardHandler),
	})
	return w, err
}

// answersIn is a cloud that answers any number of requests in so many
// milliseconds each.
func answersIn(milliseconds int) sim.Options {
	return sim.Options{Model: sim.Model{TimeToFirstToken: time.Duration(milliseconds) * time.Millisecond}}
}

// put writes an input of so many lines and returns its URL. maxTokens is what
// each asks for at most.
func (w *world) put(ctx context.Context, lines int64, maxTokens int) (string, error) {
	url := fmt.Sprintf("s3://%s/%d-%d.jsonl", bucketName, lines, maxTokens)
	object, err := w.Store.Create(ctx, url, "application/jsonl")
	if err != nil {
		return "", err
	}
	defer object.Abort()
	var line []byte
	for i := range lines {
		line = fmt.Appendf(line[:0], `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b","messages":[{"role":"user","content":"question %d, and some more words so that it is of an ordinary length"}],"max_tokens":%d}}`+"\n", i, i, maxTokens)
		if _, err := object.Write(line); err != nil {
			return "", err
		}
	}
	_, err = object.Commit(ctx)
	return url, err
}

// spec is a job on a rented endpoint of so many replicas.
func spec(input string, inFlight int, replicas int) jobs.Spec {
	return jobs.Spec{
		Name: "bench", Input: jobs.URLs{input},
		Requests: jobs.Requests{Concurrency: jobs.Concurrency(inFlight)},
		Endpoint: jobs.Endpoint{
			Provider: "nebius", Model: "openai/gpt-oss-120b", Flavor: "base", GPU: jobs.GPU{Type: "gpu-h100-sxm"}, Region: "eu-north1",
			Replicas: jobs.Replicas{Min: replicas, Max: replicas},
		},
	}
}

// submit starts a job, into an output of its own.
func (w *world) submit(ctx context.Context, s jobs.Spec) (id string, err error) {
	id = jobs.NewID("bench", time.Now())
	s.Output = "s3://" + bucketName + "/" + id + "/"
	return id, cli.Submit(ctx, w.Client, id, s.WithDefaults())
}

// result is what a job took.
type result struct {
	jobs.Report
	worker used
	rest   float64 // seconds of processor time that this process has spent meanwhile
	entry  sim.Entry
}

// run runs a job of so many requests on a worker process of its own.
func (w *world) run(ctx context.Context, s jobs.Spec, requests int64) (result, error) {
	worker, err := w.startWorker()
	if err != nil {
		return result{}, err
	}
	defer worker.kill()
	before := ownCPU()
	id, err := w.submit(ctx, s)
	if err != nil {
		return result{}, err
	}
	return w.await(ctx, id, worker, requests, before)
}

// await waits for a job's end, and for its worker's.
func (w *world) await(ctx context.Context, id string, worker *workerProcess, requests int64, before float64) (result, error) {
	r, err := w.awaitReport(ctx, id, worker, before)
	switch entries := w.Cloud.Ledger().Entries; {
	case err != nil:
		return result{}, err
	case r.Counts.Completed != requests:
		return result{}, fmt.Errorf("%d of %d requests completed: %s", r.Counts.Completed, requests, r.Reason)
	case len(entries) == 0:
		return result{}, errors.New("the cloud's ledger has no endpoint")
	default:
		r.entry = entries[len(entries)-1]
	}
	return r, nil
}

// awaitReport is await for a job that rents nothing. before is ownCPU at its
// beginning.
func (w *world) awaitReport(ctx context.Context, id string, worker *workerProcess, before float64) (result, error) {
	report, err := cli.Watch(ctx, w.Client, id, time.Second, func(cli.Snapshot) {})
	if err != nil {
		return result{}, err
	}
	if report.Outcome != jobs.Completed {
		return result{}, fmt.Errorf("the job ended %s: %s", report.Outcome, report.Reason)
	}
	return result{Report: *report, rest: ownCPU() - before, worker: worker.kill()}, nil
}

// took is how many seconds a job spent in a phase.
func (r result) took(phases ...jobs.Phase) (seconds float64) {
	for _, one := range r.Phases {
		for _, phase := range phases {
			if one.Phase == phase {
				seconds += one.End.Sub(one.Start).Seconds()
			}
		}
	}
	return seconds
}

// ownCPU is the processor time of this process so far, in seconds.
func ownCPU() float64 {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
}

// path is a file of the world.
func (w *world) path(name string) string { return filepath.Join(w.dir, name) }
