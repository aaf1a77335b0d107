package system

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/objectstore"
	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/local/stack"
)

// What all tests share: the S3 server, of which a process can have only one,
// and the built program.
var (
	objects *objectstore.Server
	program string
)

const bucketName = "system"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == parts.TemporalCommand { // this program as a part of a test's world
		if err := parts.ServeTemporal(context.Background(), os.Stdout, os.Args[2], os.Args[3]); err != nil {
			panic(err)
		}
		return
	}
	os.Setenv(hookSecretVariable, hookSecret)
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nightshift-system-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "nightshift")
	build := exec.Command("go", "build", "-o", program, "github.com/nightshift-run/nightshift/cmd/nightshift")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	objects, err = objectstore.Start(context.Background(), objectstore.Options{
		Dir: filepath.Join(dir, "s3"), Address: "127.0.0.1:0", Buckets: []string{bucketName, examplesBucket, "prompts", "answers"},
		Guests: map[string]string{guestKey: guestSecret},
	})
	if err != nil {
		panic(err)
	}
	defer objects.Stop()
	return m.Run()
}

// fixture is one test's world: its own Temporal, its own cloud, a folder of its
// own in the shared bucket.
type fixture struct {
	*testing.T
	*stack.Stack
	folder string
}

var folders atomic.Int64

// newFixture starts a world. Its cloud warms up in half a second and answers
// within milliseconds unless the options say otherwise.
func newFixture(t *testing.T, o stack.Options) *fixture {
	t.Helper()
	if o.Cloud.WarmUp == 0 {
		o.Cloud.WarmUp = 500 * time.Millisecond
	}
	if o.Cloud.Drain == 0 {
		o.Cloud.Drain = 100 * time.Millisecond
	}
	if o.Cloud.Model == (sim.Model{}) {
		o.Cloud.Model = sim.Model{TimeToFirstToken: 5 * time.Millisecond}
	}
	o.Dir, o.InMemory, o.UIPort = t.TempDir(), true, -1
	o.Objects, o.CloudAddress = objects, "127.0.0.1:0"
	o.Logger = slog.New(slog.DiscardHandler)
	s, err := stack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return &fixture{T: t, Stack: s, folder: fmt.Sprintf("s3://%s/%d", bucketName, folders.Add(1))}
}

// spec is a valid job over an input of n requests, which it writes.
func (f *fixture) spec(n int) jobs.Spec {
	f.Helper()
	var input bytes.Buffer
	for i := range n {
		fmt.Fprintf(&input, `{"custom_id":"r-%05d","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-oss-120b","messages":[{"role":"user","content":"question %d"}],"max_tokens":8}}`+"\n", i, i)
	}
	spec := jobs.Spec{
		Name: "test", Input: jobs.URLs{f.folder + "/in.jsonl"}, Output: f.folder + "/out/",
		Endpoint: jobs.Endpoint{
			Provider: "nebius", Model: "openai/gpt-oss-120b", Flavor: "base",
			GPU: jobs.GPU{Type: "gpu-h100-sxm", Count: 1}, Region: "eu-north1",
		},
	}
	f.put(spec.Input[0], input.Bytes())
	return spec.WithDefaults()
}

func (f *fixture) put(url string, body []byte) {
	f.Helper()
	if _, err := f.Store.Put(context.Background(), url, body, bucket.PutOptions{}); err != nil {
		f.Fatal(err)
	}
}

// submit starts a job and returns its id.
func (f *fixture) submit(spec jobs.Spec) string {
	f.Helper()
	id := jobs.NewID(spec.Name, time.Now())
	if err := cli.Submit(f.Context(), f.Client, id, spec); err != nil {
		f.Fatal(err)
	}
	if spec.Endpoint.Share.IsZero() {
		f.keepHistory(id)
	}
	return id
}

// patience bounds every wait of these tests; it is met only when something
// hangs.
const patience = 3 * time.Minute

// result is how a job ended.
type result struct {
	report *jobs.Report
	err    error
}

// watch follows a job and calls when once, as soon as the condition holds.
func (f *fixture) watch(id string, condition func(cli.Snapshot) bool, then func()) result {
	f.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, err := cli.Watch(ctx, f.Client, id, 20*time.Millisecond, func(s cli.Snapshot) {
		if then != nil && condition(s) {
			then()
			then = nil
		}
	})
	if ctx.Err() != nil {
		f.Fatalf("job %s did not end within %s", id, patience)
	}
	if then != nil && condition != nil {
		f.Error("the moment that the test waited for never came")
	}
	return result{report, err}
}

func (f *fixture) await(id string) result { return f.watch(id, nil, nil) }

func in(phase jobs.Phase) func(cli.Snapshot) bool {
	return func(s cli.Snapshot) bool { return s.Phase == phase }
}

func halfway(s cli.Snapshot) bool {
	return s.Phase == jobs.Running && s.Counts.Done() > s.Counts.Total/4
}

// completed checks that a job ended well and returns its report.
func (f *fixture) completed(r result) jobs.Report {
	f.Helper()
	if r.err != nil || r.report == nil {
		f.Fatalf("the job ended with %v", r.err)
	}
	if r.report.Outcome != jobs.Completed || len(r.report.Unconfirmed()) > 0 {
		f.Errorf("report = %+v", r.report)
	}
	return *r.report
}

// nothingRuns is how every test ends.
func (f *fixture) nothingRuns() {
	f.Helper()
	for _, entry := range f.Cloud.Ledger().Running() {
		f.Errorf("still on: %s %s (%s)", entry.Name, entry.ID, entry.State)
	}
}

// endpoints checks how many were ever created.
func (f *fixture) endpoints(want int) {
	f.Helper()
	if got := len(f.Cloud.Ledger().Entries); got != want {
		f.Errorf("%d endpoints were created, want %d", got, want)
	}
}

// line is a result line, as far as these tests look.
type line struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		Status int `json:"status_code"`
	} `json:"response"`
	Error *struct {
		Code string `json:"code"`
	} `json:"error"`
}

// conserved checks that each request has exactly one result line, in input
// order, and returns how many there are by kind: "ok", "refused", or the error
// code.
func (f *fixture) conserved(spec jobs.Spec) map[string]int {
	f.Helper()
	var want []string
	for _, request := range f.lines(spec.Input[0]) {
		want = append(want, request.CustomID)
	}
	kinds, order := map[string]int{}, map[string]int{}
	for _, file := range []string{"output.jsonl", "errors.jsonl"} {
		last := -1
		for _, line := range f.lines(spec.Output + file) {
			order[line.CustomID]++
			at := indexOf(line.CustomID)
			if at <= last {
				f.Errorf("%s: %s is out of order", file, line.CustomID)
			}
			last = at
			kinds[line.kind()]++
		}
	}
	for _, id := range want {
		if order[id] != 1 {
			f.Errorf("request %s has %d result lines", id, order[id])
		}
	}
	if len(order) != len(want) {
		f.Errorf("%d requests have results, %d were asked", len(order), len(want))
	}
	return kinds
}

func (l line) kind() string {
	switch {
	case l.Error != nil:
		return l.Error.Code
	case l.Response.Status == 200:
		return "ok"
	}
	return "refused"
}

func indexOf(customID string) (index int) {
	fmt.Sscanf(customID, "r-%d", &index)
	return index
}

func (f *fixture) lines(url string) []line {
	f.Helper()
	reader, err := f.Store.Open(context.Background(), url, bucket.ReadOptions{})
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		f.Fatal(err)
	}
	defer reader.Close()
	var lines []line
	scanner := batchfile.NewScanner(reader, 0)
	for scanner.Scan() {
		var one line
		if err := json.Unmarshal(scanner.Bytes(), &one); err != nil {
			f.Fatalf("%s: %v", url, err)
		}
		lines = append(lines, one)
	}
	if scanner.Err() != nil {
		f.Fatal(scanner.Err())
	}
	return lines
}

// command prepares the built program against this world.
func (f *fixture) command(args ...string) *exec.Cmd {
	command := exec.Command(program, args...)
	command.Env = parts.Environ(f.TempDir())
	for _, variable := range f.Environment() {
		command.Env = append(command.Env, variable[0]+"="+variable[1])
	}
	return command
}

// run runs the built program to its end.
func (f *fixture) run(args ...string) (stdout, stderr string, code int) {
	f.Helper()
	command := f.command(args...)
	var out, talk strings.Builder
	command.Stdout, command.Stderr = &out, &talk
	if err := command.Run(); err != nil && command.ProcessState == nil {
		f.Fatal(err)
	}
	return out.String(), talk.String(), command.ProcessState.ExitCode()
}

// process starts the built program; it is killed when the test ends at the
// latest.
func (f *fixture) process(args ...string) *exec.Cmd {
	f.Helper()
	command := f.command(args...)
	if err := command.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { kill(command) })
	return command
}

// kill is kill -9, and waits until the process is gone.
func kill(command *exec.Cmd) {
	_ = command.Process.Kill()
	_ = command.Wait()
}
