package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// doctor runs the command without a Temporal server, against the account.
func (a *account) doctor(args ...string) (stdout string, code int) {
	a.Helper()
	a.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nobody listens there
	given := append([]string{"doctor", "--nebius-base-url", a.url, "--nebius-api-key-file", a.token}, args...)
	stdout, _, code = runApp(a.T, given...)
	return stdout, code
}

// job writes a job file whose input and output lie in a folder, and returns
// both.
func (a *account) job(gpu string) (file, folder string) {
	a.Helper()
	folder = a.TempDir()
	file = filepath.Join(folder, "job.yaml")
	text := strings.NewReplacer("DIR", "file://"+folder, "GPU", gpu).Replace(`input: DIR/in.jsonl
output: DIR/out/
endpoint: {provider: nebius, model: openai/gpt-oss-120b, flavor: base, gpu: {type: GPU, count: 2}, region: eu-north1}
`)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		a.Fatal(err)
	}
	return file, folder
}

// TestDoctor_WithoutTemporal: the rest is checked all the same, and whatever is
// well is said to be.
func TestDoctor_WithoutTemporal(t *testing.T) {
	a := newAccount(t)
	file, folder := a.job("gpu-h100-sxm")
	if err := os.WriteFile(filepath.Join(folder, "in.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	prices := filepath.Join(folder, "prices.yaml")
	if err := os.WriteFile(prices, []byte("nebius: {gpu-h100-sxm: 3.20 USD}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, code := a.doctor("--prices", prices, file)
	if code != exitBadly {
		t.Errorf("exit code %d", code)
	}
	out := "file://" + folder + "/out/"
	for _, words := range [][]string{
		{"ok", "job file"},
		{"FAILED", "Temporal", "no Temporal server at 127.0.0.1:1"},
		{"skipped", "sweep schedule", "no Temporal"},
		{"ok", "provider nebius", "0 endpoints", "offers"},
		{"ok", "input file://", "3 bytes"},
		{"ok", "write " + out},
		{"ok", "conditional write " + out, "a second one is refused"},
		{"ok", "read " + out},
		{"ok", "multipart write " + out},
		{"ok", "delete " + out},
		{"ok", "endpoint openai/gpt-oss-120b", "6.40 USD for a replica for an hour, says the price file"},
	} {
		row(t, stdout, words...)
	}
	if got := strings.Count(stdout, "FAILED"); got != 1 {
		t.Errorf("%d checks failed, want only Temporal:\n%s", got, stdout)
	}
	if left, err := os.ReadDir(filepath.Join(folder, "out")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	a.running()
}

// TestDoctor_TellsWhatIsWrong, each with something to do about it.
func TestDoctor_TellsWhatIsWrong(t *testing.T) {
	a := newAccount(t)
	file, _ := a.job("gpu-h100") // not offered, and there is no input
	a.cloud.Inject(sim.Fault{Op: sim.OpList, Kind: sim.Status, Status: 401})
	stdout, code := a.doctor("--bucket", "file:///proc/nowhere/", file)
	if code != exitBadly {
		t.Errorf("exit code %d", code)
	}
	row(t, stdout, "FAILED", "provider nebius", "HTTP 401")
	row(t, stdout, "try: a valid token in NEBIUS_API_KEY")
	row(t, stdout, "FAILED", "input file://", "not found")
	row(t, stdout, "FAILED", "write file:///proc/nowhere/")
	row(t, stdout, "skipped", "read file:///proc/nowhere/")
	row(t, stdout, "FAILED", "endpoint openai/gpt-oss-120b", `"gpu-h100" is none of`, "gpu-h200-sxm")
	row(t, stdout, "try: what is offered: nightshift endpoints hardware --provider nebius")
	saysWhatToDo(t, stdout)
}

// TestDoctor_TellsWhatToDo: more ways to be wrong.
func TestDoctor_TellsWhatToDo(t *testing.T) {
	for name, wrong := range map[string]struct {
		spoil func(*account)
		args  []string
		says  string
	}{
		"job file":         {args: []string{"/nowhere.yaml"}, says: "job file"},
		"no such input":    {args: []string{"PATTERN"}, says: "it names no object"},
		"no control plane": {spoil: func(a *account) { a.url = "http://127.0.0.1:1" }, says: "provider nebius"},
		"refused":          {spoil: func(a *account) { a.cloud.Inject(sim.Fault{Op: sim.OpList, Kind: sim.Status, Status: 422}) }, says: "provider nebius"},
		"no catalogue":     {spoil: func(a *account) { a.cloud.Inject(sim.Fault{Op: sim.OpTemplates, Kind: sim.HTML}) }, says: "provider nebius"},
		"bad bucket":       {args: []string{"--bucket", "https://bucket/"}, says: "write https://bucket/"},
		"cost":             {args: []string{"COST"}, says: "cannot be kept"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			if wrong.spoil != nil {
				wrong.spoil(a)
			}
			for i, arg := range wrong.args {
				switch arg {
				case "PATTERN":
					wrong.args[i] = a.jobWith("input: DIR/*.jsonl")
				case "COST":
					wrong.args[i] = a.jobWith("input: DIR/in.jsonl\nlimits: {cost: 5 USD}")
				}
			}
			stdout, code := a.doctor(wrong.args...)
			row(t, stdout, "FAILED", wrong.says)
			if saysWhatToDo(t, stdout); code != exitBadly {
				t.Errorf("exit code %d\n%s", code, stdout)
			}
		})
	}
}

// jobWith writes a job file whose first lines are these.
func (a *account) jobWith(text string) string {
	a.Helper()
	file, folder := a.job("gpu-h100-sxm")
	written, err := os.ReadFile(file)
	if err != nil {
		a.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(written), "\n")
	text = strings.ReplaceAll(text, "DIR", "file://"+folder) + "\n" + rest
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		a.Fatal(err)
	}
	return file
}

// saysWhatToDo checks that each failure is followed by something to try.
func saysWhatToDo(t *testing.T, stdout string) {
	t.Helper()
	for failure := range strings.SplitSeq(stdout, "FAILED") {
		said, _, _ := strings.Cut(failure, "\nok ")
		said, _, _ = strings.Cut(said, "\nskipped ")
		if !strings.HasPrefix(failure, "  ") {
			continue // what came before the first failure
		}
		if !strings.Contains(said, "try: ") {
			t.Errorf("nothing to try about:%s", said)
		}
	}
}

func TestDoctor_NothingGiven(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	stdout, _, code := runApp(t, "doctor")
	if code != exitBadly {
		t.Errorf("exit code %d", code)
	}
	row(t, stdout, "skipped", "providers", "no token is set here")
	row(t, stdout, "skipped", "bucket", "none is named")
}

// TestDoctor_TokensOfTheWorkers: where the workers have a provider's token, whoever
// submits jobs need not, and is told so. A server that the job file has the
// address of is looked at all the same.
func TestDoctor_TokensOfTheWorkers(t *testing.T) {
	a := newAccount(t)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	rented, _ := a.job("gpu-h100-sxm")
	stdout, _, _ := runApp(t, "doctor", rented)
	row(t, stdout, "skipped", "endpoint openai/gpt-oss-120b", "nebius is not set up here")
	dir := t.TempDir()
	served := filepath.Join(dir, "job.yaml")
	text := strings.ReplaceAll("input: DIR/in.jsonl\noutput: DIR/out/\nendpoint: {provider: static, model: m, base_url: \"http://127.0.0.1:1/v1\"}\n", "DIR", "file://"+dir)
	if err := os.WriteFile(served, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _, _ = runApp(t, "doctor", served)
	row(t, stdout, "ok", "endpoint", "nothing is rented from static")
}
