package scale

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/local/stack"
)

// Bucket is the one that the S3 server must have.
const Bucket = "scale"

// world is what a job needs.
type world struct {
	options Options
	stack   *stack.Stack
	folder  string // URL
	workers []*worker
}

func newWorld(ctx context.Context, o Options) (*world, error) {
	w := &world{options: o, folder: fmt.Sprintf("s3://%s/%s", Bucket, jobs.NewID("scale", time.Now()))}
	s, err := stack.Start(ctx, stack.Options{
		Dir: o.Dir, InMemory: true, UIPort: -1, Objects: o.Objects, CloudAddress: "127.0.0.1:0", NoWorker: true,
		ContinueAsNewAfter: o.SuggestAfter, Cloud: sim.Options{WarmUp: time.Second, Model: o.Model},
		Logger: cli.NewLogger(os.Stderr, slog.LevelError),
	})
	w.stack = s
	return w, err
}

func (w *world) close() {
	for _, one := range w.workers {
		_ = one.kill()
	}
	w.stack.Stop()
}

// submit writes the input and starts the job.
func (w *world) submit(ctx context.Context) (id string, err error) {
	if err := w.writeInput(ctx); err != nil {
		return "", fmt.Errorf("write the input: %w", err)
	}
	spec := jobs.Spec{
		Name: "scale", Input: jobs.URLs{w.folder + "/in/"}, Output: w.folder + "/out/",
		Requests: jobs.Requests{Concurrency: jobs.Concurrency(w.options.InFlight)},
		Endpoint: jobs.Endpoint{Provider: "nebius", Model: "openai/gpt-oss-120b", Flavor: "base", GPU: jobs.GPU{Type: "gpu-h100-sxm"}, Region: "eu-north1"},
	}
	id = jobs.NewID(spec.Name, time.Now())
	return id, cli.Submit(ctx, w.stack.Client, id, spec.WithDefaults())
}

// minLine is the least that a line is filled up from.
const minLine = 250

func (w *world) writeInput(ctx context.Context) error {
	for file := range w.options.Files {
		object, err := w.stack.Store.Create(ctx, fmt.Sprintf("%s/in/%05d.jsonl", w.folder, file), "application/jsonl")
		if err != nil {
			return err
		}
		lines := bufio.NewWriterSize(object, 1<<20)
		for i := file * w.options.Lines / w.options.Files; i < (file+1)*w.options.Lines/w.options.Files; i++ {
			if err := w.writeLine(lines, i); err != nil {
				return errors.Join(err, object.Abort())
			}
		}
		if err := lines.Flush(); err != nil {
			return errors.Join(err, object.Abort())
		}
		if _, err := object.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

const filler = "and some more words so that it is as long as the others "

func (w *world) writeLine(out *bufio.Writer, i int) error {
	written, _ := fmt.Fprintf(out, `{"custom_id":"r-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b","max_tokens":16,"messages":[{"role":"user","content":"question %d, `, i, i)
	const end = `"}]}}` + "\n"
	for left := w.options.LineBytes - written - len(end); left > 0; left -= len(filler) {
		_, _ = out.WriteString(filler[:min(left, len(filler))])
	}
	_, err := out.WriteString(end) // a bufio.Writer keeps its first error
	return err
}

// worker is one worker process.
type worker struct {
	command *exec.Cmd
	memory  *memory
	alive   bool
}

func (w *world) startWorkers() error {
	for i := range w.options.Workers {
		dir := filepath.Join(w.options.Dir, fmt.Sprintf("worker-%d", i+1))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		log, err := os.Create(filepath.Join(dir, "log"))
		if err != nil {
			return err
		}
		command := exec.Command(w.options.Program, "worker")
		command.Stderr, command.Env = log, append(parts.Environ(dir), "NIGHTSHIFT_TEMP_DIR="+dir)
		for _, variable := range w.stack.Environment() {
			command.Env = append(command.Env, variable[0]+"="+variable[1])
		}
		err = errors.Join(command.Start(), log.Close())
		if err != nil {
			return fmt.Errorf("start a worker: %w", err)
		}
		w.workers = append(w.workers, &worker{command: command, memory: watchMemory(command.Process.Pid), alive: true})
	}
	return nil
}

// kill is kill -9, and waits until the process is gone.
func (w *worker) kill() error {
	if !w.alive {
		return nil
	}
	w.alive = false
	w.memory.stop()
	err := w.command.Process.Kill()
	_ = w.command.Wait() // says that it was killed
	return err
}
