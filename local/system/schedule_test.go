package system

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/webhook"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
	"github.com/nightshift-run/nightshift/workflows"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hook is a webhook's receiver that answers 500 to the first attempt.
type hook struct {
	*httptest.Server
	notices chan jobs.Notice
}

func newHook(t *testing.T) *hook {
	t.Helper()
	secret, err := webhook.ParseSecret(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	h := &hook{notices: make(chan jobs.Notice, 100)}
	failed := false
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seconds, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		if r.Header.Get("webhook-signature") != secret.Sign(r.Header.Get("webhook-id"), time.Unix(seconds, 0), body) {
			t.Errorf("not signed: %v", r.Header)
		}
		if !failed {
			failed = true
			w.WriteHeader(500)
			return
		}
		var notice jobs.Notice
		if err := json.Unmarshal(body, &notice); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		h.notices <- notice
	}))
	t.Cleanup(h.Close)
	return h
}

// awaits the notice of a kind.
func (h *hook) await(t *testing.T, kind string) jobs.Notice {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case notice := <-h.notices:
			if notice.Type == kind {
				return notice
			}
		case <-deadline:
			t.Fatalf("no notice %s came", kind)
		}
	}
}

func (f *fixture) read(url string) []byte {
	f.Helper()
	reader, err := f.Store.Open(context.Background(), url, bucket.ReadOptions{})
	if err != nil {
		f.Fatal(err)
	}
	defer reader.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		f.Fatal(err)
	}
	return text
}

// scheduledFile is a job file that runs every two seconds, in a directory of
// its own.
func (f *fixture) scheduledFile(more string) (dir, file string) {
	f.Helper()
	dir = f.TempDir()
	file = filepath.Join(dir, "nightly.yaml")
	text := `input: ` + f.folder + `/in.jsonl
output: ` + f.folder + `/{{ .Schedule }}/{{ .Job }}/
endpoint: {provider: nebius, model: openai/gpt-oss-120b, flavor: base, gpu: {type: gpu-h100-sxm}, region: eu-north1, price_per_gpu_hour: 3.00 USD}
schedule: {cron: "@every 2s", time_zone: Europe/Berlin}
` + more + "\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		f.Fatal(err)
	}
	return dir, file
}

type shown struct {
	ID     string
	Paused bool
	Last   struct{ Job, Outcome, Reason, Cost string }
	Runs   []struct {
		Job, Outcome string
		For          time.Time
	}
}

func (f *fixture) show(id string) (s shown) {
	f.Helper()
	stdout, stderr, code := f.run("schedule", "show", "--json", id)
	if err := json.Unmarshal([]byte(stdout), &s); err != nil || code != 0 {
		f.Fatalf("exit code %d, %v\n%s", code, err, stderr)
	}
	return s
}

// TestSchedule_RunsByItself: with results the first time, skipped while nothing
// is new, with results again once something is; each end is told, signed.
func TestSchedule_RunsByItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	working := f.command("worker")
	working.Env = append(working.Env, "TEST_SECRET="+hookSecret)
	if err := working.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(working) })
	h := newHook(t)
	spec := f.spec(50)
	_, file := f.scheduledFile("notify: {webhook: " + h.URL + "/hook, secret_env: TEST_SECRET, on: [completed, failed, skipped]}")
	if _, stderr, code := f.run("schedule", "create", file); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	first := h.await(t, "job.completed").Data
	spec.Output = first.Output
	if kinds := f.conserved(spec); kinds["ok"] != 50 || first.Schedule != "nightly" || first.Output != f.folder+"/nightly/"+first.Job+"/" {
		t.Errorf("result lines: %v of %+v", kinds, first)
	}
	if first.Report != first.Output+"report.json" || len(f.read(first.Report)) == 0 {
		t.Errorf("report %s", first.Report)
	}
	skipped := h.await(t, "job.skipped").Data
	if !strings.Contains(skipped.Reason, "nothing is new") || skipped.Job <= first.Job {
		t.Errorf("skipped = %+v", skipped)
	}
	f.endpoints(1)
	spec = f.spec(60)
	second := h.await(t, "job.completed").Data
	if second.Counts.Completed != 60 {
		t.Errorf("second = %+v", second)
	}
	if _, stderr, code := f.run("schedule", "pause", "--note", "enough", "nightly"); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	s := f.show("nightly")
	if !s.Paused || !slices.ContainsFunc(s.Runs, func(r struct {
		Job, Outcome string
		For          time.Time
	}) bool {
		return r.Job == second.Job && r.Outcome == "completed"
	}) {
		t.Errorf("shown = %+v, second %s", s, second.Job)
	}
	f.keepNightly(first.Job, "RunsByItself")
	f.nothingRuns()
}

// TestSchedule_FailsAsItsJob: it pauses, and says why.
func TestSchedule_FailsAsItsJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.put(f.folder+"/in.jsonl", []byte("not JSON\n"))
	_, file := f.scheduledFile("")
	text, _ := os.ReadFile(file)
	paused := strings.Replace(string(text), "@every 2s\"", "0 0 1 1 *\", pause_on_failure: true", 1)
	if err := os.WriteFile(file, []byte(paused), 0o644); err != nil {
		t.Fatal(err)
	}
	f.run("schedule", "create", "--id", "yearly", file)
	stdout, stderr, code := f.run("schedule", "trigger", "--watch", "yearly")
	if code != 2 || !strings.Contains(stdout, "the input has a problem") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
	var s shown
	for deadline := time.Now().Add(patience); !s.Paused && time.Now().Before(deadline); {
		s = f.show("yearly")
	}
	if s.Last.Outcome != "failed" || !s.Paused || !strings.Contains(s.Last.Reason, "a problem") {
		t.Errorf("shown = %+v", s)
	}
	stdout, _, _ = f.run("schedule", "list")
	if !strings.Contains(stdout, "yearly    0 0 1 1 * Europe/Berlin  paused  ") || !strings.Contains(stdout, s.Last.Job) {
		t.Errorf("listed as\n%s", stdout)
	}
	f.endpoints(0)
}

// TestSchedule_Apply makes the schedules equal to the files: it makes, changes,
// keeps and deletes, tells what it will, and touches no other's.
func TestSchedule_Apply(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.sweepInstalled()
	dir, file := f.scheduledFile("")
	crons := []string{"0 2 * * mon-fri", "*/15 9-17/2 1,15 jan-mar *", "0 0 * * 5-7", "30 1 2 * * * 2030", "@weekly", "@every 3h/10m"}
	f.writeSchedules(dir, file, crons)
	expect := func(want string, args ...string) {
		t.Helper()
		stdout, stderr, code := f.run(append([]string{"schedule", "apply"}, args...)...)
		if code != 0 || stdout != want {
			t.Errorf("%v: exit code %d\n%s\nwant\n%s\n%s", args, code, stdout, want, stderr)
		}
	}
	made, kept := "", ""
	for i, cron := range crons {
		made += "+ s" + strconv.Itoa(i) + ": " + cron + " Europe/Berlin\n"
		kept += "= s" + strconv.Itoa(i) + "\n"
	}
	expect(made, "--dry-run", dir)
	expect(made, dir)
	expect(kept, dir)
	f.sameTimes(crons)
	f.run("schedule", "pause", "s1")
	f.replace(filepath.Join(dir, "s1.yaml"), "3.00 USD", "4.00 USD")
	f.changeInTemporal("s2")
	os.Remove(filepath.Join(dir, "s5.yaml"))
	changed := "= s0\n~ s1; stays paused\n    endpoint.price_per_gpu_hour: 3.00 USD -> 4.00 USD\n" +
		"~ s2\n    its times or its policy were changed in Temporal, and are put back\n= s3\n= s4\n"
	f.awaitListed(len(crons))
	expect(changed+"- s5: kept; --prune deletes it\n", dir)
	expect("= s0\n= s1; stays paused\n= s2\n= s3\n= s4\n- s5\n", "--prune", dir)
	if _, _, code := f.run("schedule", "show", "s5"); code != 2 {
		t.Errorf("s5 is still there: %d", code)
	}
	if !f.show("s1").Paused {
		t.Error("a paused schedule runs again after it was changed")
	}
	if _, err := f.Client.ScheduleClient().GetHandle(t.Context(), workflows.SweepSchedule).Describe(t.Context()); err != nil {
		t.Errorf("the sweep's schedule: %v", err)
	}
	f.replace(filepath.Join(dir, "s1.yaml"), "4.00 USD", "4.00")
	f.replace(filepath.Join(dir, "s2.yaml"), "Europe/Berlin", "Mars")
	if _, stderr, code := f.run("schedule", "apply", dir); code != 2 || !strings.Contains(stderr, "s1.yaml:") || !strings.Contains(stderr, "s2.yaml:") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func (f *fixture) writeSchedules(dir, template string, crons []string) {
	f.Helper()
	text, err := os.ReadFile(template)
	if err != nil {
		f.Fatal(err)
	}
	os.Remove(template)
	for i, cron := range crons {
		one := strings.Replace(string(text), "@every 2s", cron, 1)
		if err := os.WriteFile(filepath.Join(dir, "s"+strconv.Itoa(i)+".yaml"), []byte(one), 0o644); err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fixture) replace(file, old, new string) {
	f.Helper()
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		f.Fatalf("%s: %v", file, err)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, new)), 0o644); err != nil {
		f.Fatal(err)
	}
}

// sameTimes checks that the schedules run when Temporal itself would, by the
// same cron expressions.
func (f *fixture) sameTimes(crons []string) {
	f.Helper()
	for i, cron := range crons {
		id := "theirs-" + strconv.Itoa(i)
		_, err := f.Client.ScheduleClient().Create(f.Context(), client.ScheduleOptions{
			ID: id, Spec: client.ScheduleSpec{CronExpressions: []string{cron}, TimeZoneName: "Europe/Berlin"},
			Action: &client.ScheduleWorkflowAction{Workflow: "Theirs", TaskQueue: "theirs"}, Paused: true,
		})
		if err != nil {
			f.Fatal(err)
		}
		if ours, theirs := f.nextTimes("s"+strconv.Itoa(i)), f.nextTimes(id); len(theirs) == 0 || !slices.EqualFunc(ours, theirs, time.Time.Equal) {
			f.Errorf("%s: next at %v, by Temporal's reading %v", cron, ours, theirs)
		}
	}
}

func (f *fixture) nextTimes(id string) []time.Time {
	f.Helper()
	described, err := f.Client.ScheduleClient().GetHandle(f.Context(), id).Describe(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return described.Info.NextActionTimes
}

// changeInTemporal is what a person does in the Web UI.
func (f *fixture) changeInTemporal(id string) {
	f.Helper()
	err := f.Client.ScheduleClient().GetHandle(f.Context(), id).Update(f.Context(), client.ScheduleUpdateOptions{
		DoUpdate: func(now client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			schedule := now.Description.Schedule
			schedule.Spec.Calendars[0].Hour = []client.ScheduleRange{{Start: 5, End: 5, Step: 1}}
			return &client.ScheduleUpdate{Schedule: &schedule}, nil
		},
	})
	if err != nil {
		f.Fatal(err)
	}
}

// awaitListed waits until Temporal's list, which is a moment late, has so many
// schedules of jobs.
func (f *fixture) awaitListed(want int) {
	f.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var listed []shown
		stdout, _, _ := f.run("schedule", "list", "--json")
		if json.Unmarshal([]byte(stdout), &listed) == nil && len(listed) == want {
			return
		}
	}
	f.Errorf("not listed: %d schedules", want)
}

// sweepInstalled waits until the worker has installed its own schedule.
func (f *fixture) sweepInstalled() {
	f.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := f.Client.ScheduleClient().GetHandle(f.Context(), workflows.SweepSchedule).Describe(f.Context()); err == nil {
			return
		}
	}
	f.Error("no sweep is installed")
}
