package system

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/local/stack"
)

// attended is the built program with its talk read line by line.
type attended struct {
	*exec.Cmd
	*testing.T
	talk *bufio.Scanner
	said []string
}

func (f *fixture) attend(args ...string) *attended {
	f.Helper()
	a := &attended{Cmd: f.command(args...), T: f.T}
	pipe, err := a.StderrPipe()
	if err != nil {
		f.Fatal(err)
	}
	a.talk = bufio.NewScanner(pipe)
	if err := a.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { kill(a.Cmd) })
	return a
}

// hears waits until the program says a text.
func (a *attended) hears(text string) {
	a.Helper()
	for a.talk.Scan() {
		a.said = append(a.said, a.talk.Text())
		if strings.Contains(a.talk.Text(), text) {
			return
		}
	}
	a.Fatalf("it never said %q, but:\n%s", text, strings.Join(a.said, "\n"))
}

func (a *attended) interrupts(signal os.Signal) {
	a.Helper()
	if err := a.Process.Signal(signal); err != nil {
		a.Fatal(err)
	}
}

// ends waits for the end and returns the exit code.
func (a *attended) ends() int {
	for a.talk.Scan() {
		a.said = append(a.said, a.talk.Text())
	}
	_ = a.Wait()
	return a.ProcessState.ExitCode()
}

func TestRun_CtrlCDetachesAndASecondCancels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		first   os.Signal
		second  bool
		outcome jobs.Outcome
		says    string
	}{
		{"once", os.Interrupt, false, jobs.Completed, "nightshift watch"},
		{"twice", os.Interrupt, true, jobs.Cancelled, "keeps what is answered"},
		{"terminated", syscall.SIGTERM, false, jobs.Completed, "nightshift watch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, stack.Options{Cloud: sim.Options{WarmUp: 2 * time.Second}})
			run := f.attend("run", "--id", "attended", f.jobFile(f.spec(200)))
			run.hears("warming")
			run.interrupts(c.first)
			run.hears("The job goes on")
			if c.second {
				run.hears("Ctrl-C again")
				run.interrupts(c.first)
			}
			if code := run.ends(); code != 130 {
				t.Errorf("exit code %d", code)
			}
			if said := strings.Join(run.said, "\n"); !strings.Contains(said, c.says) {
				t.Errorf("it does not say %q:\n%s", c.says, said)
			}
			ended := f.await("attended")
			if ended.report == nil || ended.report.Outcome != c.outcome {
				t.Errorf("the job ended with %+v, %v", ended.report, ended.err)
			}
			f.nothingRuns()
		})
	}
}

func TestRun_AttachesToWhatWasSubmitted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{Cloud: sim.Options{WarmUp: 2 * time.Second}})
	job := f.jobFile(f.spec(50))
	if out, talk, code := f.run("submit", "--id", "same", job); code != 0 || strings.TrimSpace(out) != "same" {
		t.Fatalf("submit ended with %d: %s%s", code, out, talk)
	}
	for _, when := range []string{"while it runs", "after it has ended"} {
		out, talk, code := f.run("run", "--id", "same", "--attach", job)
		if code != 0 || !strings.Contains(out, "50 completed") || !strings.Contains(talk, "submitted before") {
			t.Errorf("%s: ended with %d:\n%s%s", when, code, out, talk)
		}
		if _, talk, code := f.run("submit", "--id", "same", job); code != 2 || !strings.Contains(talk, "--attach") {
			t.Errorf("%s: a second submit ended with %d: %s", when, code, talk)
		}
	}
	f.endpoints(1)
}

func TestRun_EndsWith3ForFailedLines(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	f.Cloud.Inject(sim.Fault{Op: "chat", Kind: sim.Status, Status: 400, Every: 5})
	out, talk, code := f.run("run", f.jobFile(f.spec(40)))
	if code != 3 || !strings.Contains(out, "completed in") || strings.Contains(out, " 0 failed") {
		t.Errorf("ended with %d:\n%s%s", code, out, talk)
	}
}

func TestCommands_TellOfAJob(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{})
	spec := f.spec(20)
	id := f.submit(spec)
	f.completed(f.await(id))
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"watch", id}, "20 completed", 0},
		{[]string{"status", id}, "20 completed", 0},
		{[]string{"report", id}, "20 completed", 0},
		{[]string{"report", "--json", id}, `"outcome": "completed"`, 0},
		{[]string{"pause", id}, "has ended", 2},
		{[]string{"resume", "no-such-job"}, "no job no-such-job", 2},
		{[]string{"report", "no-such-job"}, "no job no-such-job", 2},
		{[]string{"watch", "no-such-job"}, "no job no-such-job", 2},
		{[]string{"list", "--provider", "nebius", "--state", "completed", "--since", "1h", "--model", spec.Endpoint.Model}, id, 0},
		{[]string{"list", "--json", "--name", spec.Name}, `"state": "completed"`, 0},
		{[]string{"list", "--state", "failed"}, "no jobs", 0},
		{[]string{"list", "--provider", "lyceum"}, "no jobs", 0},
		{[]string{"list", "--since", "2126-01-01"}, "no jobs", 0},
		{[]string{"watch", "--generate-bash-completion"}, id, 0},
	} {
		out, talk, code := f.run(c.args...)
		if code != c.code || !strings.Contains(out+talk, c.want) {
			t.Errorf("%v ended with %d, want %d and %q:\n%s%s", c.args, code, c.code, c.want, out, talk)
		}
	}
}
