package cli

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/internal/sweep"
)

// account is a provider's account in a simulated cloud over HTTP, in front of
// the command line.
type account struct {
	*testing.T
	cloud *sim.Cloud
	url   string
	token string // file
}

func newAccount(t *testing.T) *account {
	t.Helper()
	cloud := sim.New(sim.Options{Token: "secret", WarmUp: sim.None, Drain: sim.None})
	server := httptest.NewServer(cloud)
	t.Cleanup(func() {
		cloud.Close()
		server.Close()
	})
	a := &account{T: t, cloud: cloud, url: server.URL, token: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(a.token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// rent creates an endpoint of that display name and returns its id.
func (a *account) rent(name string) string {
	a.Helper()
	p, err := registry.Open("nebius", provider.Settings{Token: "secret", BaseURL: a.url})
	if err != nil {
		a.Fatal(err)
	}
	state, err := p.Create(a.Context(), name, provider.Shape{
		Model: "openai/gpt-oss-120b", Flavor: "base", Region: "eu-north1",
		GPU: provider.GPU{Type: "gpu-h100-sxm", Count: 2}, Replicas: provider.Replicas{Min: 1, Max: 1},
	})
	if err != nil {
		a.Fatal(err)
	}
	return state.ID
}

// rentFor rents for a job of an installation, with so much time to its deadline.
func (a *account) rentFor(installation, job string, left time.Duration) string {
	a.Helper()
	return a.rent(provider.Name{Installation: installation, Job: job, Deadline: time.Now().Add(left)}.String())
}

// run runs a command of the group against the account. Nobody is at a terminal.
func (a *account) run(args ...string) (stdout, stderr string, code int) {
	a.Helper()
	provided := []string{"--provider", "nebius", "--nebius-base-url", a.url, "--nebius-api-key-file", a.token}
	return runApp(a.T, slices.Concat([]string{"endpoints", args[0]}, provided, args[1:])...)
}

// oneApp: the command line library writes to a variable of its own whenever a
// command is run, so that no two may be at once.
var oneApp sync.Mutex

// runApp runs a command in this process, as Main does.
func runApp(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	oneApp.Lock()
	defer oneApp.Unlock()
	var out, talk strings.Builder
	app := newApp(&out, &talk, nil)
	app.Reader = strings.NewReader("y\n")
	err := app.RunContext(t.Context(), append([]string{"nightshift"}, args...))
	if err == nil {
		return out.String(), talk.String(), exitOK
	}
	code = exitBadly
	if coded, ok := errors.AsType[*exitError](err); ok {
		code = coded.code
	}
	return out.String(), talk.String() + err.Error(), code
}

// running checks which endpoints the cloud still has.
func (a *account) running(want ...string) {
	a.Helper()
	var got []string
	for _, entry := range a.cloud.Ledger().Running() {
		got = append(got, entry.ID)
	}
	if !slices.Equal(got, want) {
		a.Errorf("running: %v, want %v", got, want)
	}
}

// row finds the line of a table that has all of the words.
func row(t *testing.T, table string, words ...string) {
	t.Helper()
	for line := range strings.Lines(table) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return
		}
	}
	t.Errorf("no line has all of %q:\n%s", words, table)
}

func TestEndpointsList(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	ours := a.rentFor("mine", "job-1", time.Hour)
	late := a.rentFor("other", "job-2", -time.Hour)
	stranger := a.rent("somebody's\nown")
	prices := filepath.Join(t.TempDir(), "prices.yaml")
	if err := os.WriteFile(prices, []byte("nebius: {gpu-h100-sxm: 3.20 USD}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := a.run("list", "--installation", "mine", "--prices", prices)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	row(t, stdout, ours, "job-1", "ours", "ready", "in 59m", "2 x gpu-h100-sxm, eu-north1", "6.40 USD")
	row(t, stdout, late, "job-2", "installation other", "PAST by 1h00m")
	row(t, stdout, stranger, "not nightshift's")
	if lines := strings.Count(stdout, "\n"); lines != 4 {
		t.Errorf("%d lines for a heading and three endpoints:\n%s", lines, stdout)
	}
	if !strings.Contains(stderr, "1 past their deadline") {
		t.Errorf("the late one is not pointed out:\n%s", stderr)
	}
	a.running(ours, late, stranger)
}

func TestEndpointsList_JSON(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	if stdout, _, code := a.run("list", "--output", "json"); code != exitOK || strings.TrimSpace(stdout) != "[]" {
		t.Errorf("empty account: exit code %d, %q", code, stdout)
	}
	id := a.rentFor("mine", "job-1", -time.Hour)
	stdout, _, _ := a.run("list", "--output", "json")
	var got []map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got) != 1 {
		t.Fatalf("%v: %s", err, stdout)
	}
	for field, want := range map[string]any{
		"id": id, "provider": "nebius", "job": "job-1", "installation": "mine", "whose": "installation mine",
		"past_deadline": true, "phase": "ready", "ready_replicas": 1.0, "model": "openai/gpt-oss-120b",
	} {
		if got[0][field] != want {
			t.Errorf("%s is %v, want %v", field, got[0][field], want)
		}
	}
	if _, told := got[0]["price_per_hour"]; told {
		t.Error("a price that nobody tells")
	}
}

func TestEndpointsList_ListingFails(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.cloud.Inject(sim.Fault{Op: sim.OpList, Kind: sim.Status, Status: 503})
	if _, stderr, code := a.run("list"); code != exitBadly || !strings.Contains(stderr, "HTTP 503") || strings.Contains(stderr, "no endpoints") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestEndpointsHardware(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	stdout, stderr, code := a.run("hardware", "--model", "openai/gpt-oss-120b")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	row(t, stdout, "openai/gpt-oss-120b", "base", "gpu-h100-sxm", "8", "eu-north1 eu-west1", "16")
	if strings.Contains(stdout, "gpt-oss-20b") {
		t.Errorf("other models are listed too:\n%s", stdout)
	}
	if stdout, stderr, _ := a.run("hardware", "--model", "nobody's"); stdout != "" || !strings.Contains(stderr, "nothing is offered") {
		t.Errorf("unknown model: %q, %q", stdout, stderr)
	}
}

func TestEndpointsShow(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	id := a.rentFor("mine", "job-1", time.Hour)
	stdout, _, code := a.run("show", id)
	if code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	for _, want := range []string{"endpoint  " + id, "job       job-1, of installation mine", "phase     ready", "replicas  1 ready; from 1 to 1", "base URL  " + a.url} {
		if !strings.Contains(stdout, want) {
			t.Errorf("there is no %q in\n%s", want, stdout)
		}
	}
	if _, stderr, code := a.run("show", "endpoint-nobody"); code != exitBadInput || !strings.Contains(stderr, "nebius has no endpoint endpoint-nobody") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestEndpointsDelete(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	one, two, kept := a.rent("one"), a.rent("two"), a.rent("kept")
	if _, stderr, code := a.run("delete", one); code != exitBadInput || !strings.Contains(stderr, "--yes") {
		t.Errorf("without --yes: exit code %d\n%s", code, stderr)
	}
	a.running(one, two, kept)
	stdout, stderr, code := a.run("delete", "--yes", one, two, one, "endpoint-nobody")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	row(t, stdout, one, "deleted; the provider's listing confirms it")
	row(t, stdout, two, "deleted; the provider's listing confirms it")
	row(t, stdout, "endpoint-nobody", "nothing to delete")
	a.running(kept)
}

func TestEndpointsDelete_Unconfirmed(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	id := a.rent("one")
	a.cloud.Inject(sim.Fault{Op: sim.OpDelete, Kind: sim.Status, Status: 500})
	stdout, stderr, code := a.run("delete", "--yes", "--wait", "100ms", id)
	if code != exitBadly || !strings.Contains(stdout, "NOT CONFIRMED GONE") || !strings.Contains(stderr, "not confirmed gone: 1 of 1") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	stdout, _, code = a.run("delete", "--json", "--yes", "--wait", "100ms", id, "endpoint-nobody")
	var told []deletion
	if err := json.Unmarshal([]byte(stdout), &told); err != nil || code != exitBadly {
		t.Fatalf("exit code %d, %v\n%s", code, err, stdout)
	}
	if len(told) != 2 || told[0].Outcome != absent || told[1].ID != id || told[1].Outcome != sweep.Unconfirmed || !strings.Contains(told[1].Error, "HTTP 500") {
		t.Errorf("told %+v", told)
	}
	a.running(id)
}

func TestSaysYes(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, " yes": true, "": false, "\n": false, "n\n": false, "yesterday\n": false, "no\ny\n": false} {
		if got := saysYes(strings.NewReader(answer)); got != want {
			t.Errorf("%q is taken for %v", answer, got)
		}
	}
}

func TestEndpointsSweep(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	late := a.rentFor("mine", "job-late", -time.Hour)
	within := a.rentFor("mine", "job-within", time.Hour)
	theirs := a.rentFor("theirs", "job-theirs", -time.Hour)
	stranger := a.rent("somebody-elses")

	stdout, stderr, code := a.run("sweep", "--dry-run")
	if code != exitOK {
		t.Errorf("dry run: exit code %d\n%s", code, stderr)
	}
	row(t, stdout, "to delete", late, "job-late", "mine", "past its deadline by 1h0m")
	row(t, stdout, "kept", within, "within its deadline, 59m left")
	row(t, stdout, "to delete", theirs, "job-theirs", "theirs")
	for _, want := range []string{"3 of nightshift's, 2 to delete; 1 not nightshift's", "installations: mine, theirs", "1 within the deadline"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("there is no %q in\n%s", want, stderr)
		}
	}
	if strings.Contains(stdout, stranger) {
		t.Errorf("a stranger's endpoint is in the table:\n%s", stdout)
	}

	if _, stderr, code := a.run("sweep"); code != exitBadInput || !strings.Contains(stderr, "--installation NAME") || !strings.Contains(stderr, "installations: mine, theirs") {
		t.Errorf("nobody's: exit code %d\n%s", code, stderr)
	}
	if _, _, code := a.run("sweep", "--installation", "mine", "--any-installation"); code != exitBadInput {
		t.Errorf("both flags: exit code %d", code)
	}
	a.running(late, within, theirs, stranger)

	stdout, stderr, code = a.run("sweep", "--installation", "mine")
	if code != exitOK {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	row(t, stdout, "deleted", late)
	row(t, stdout, "kept", theirs, "of another installation")
	a.running(within, theirs, stranger)

	if _, stderr, code := a.run("sweep", "--any-installation"); code != exitOK {
		t.Errorf("any installation: exit code %d\n%s", code, stderr)
	}
	a.running(within, stranger)
}

func TestEndpointsSweep_Trouble(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	late := a.rentFor("mine", "job-1", -time.Hour)
	a.cloud.Inject(sim.Fault{Op: sim.OpDelete, Kind: sim.Status, Status: 500})
	stdout, stderr, code := a.run("sweep", "--installation", "mine", "--wait", "100ms")
	if code != exitBadly || !strings.Contains(stderr, "is not confirmed gone") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	row(t, stdout, "unconfirmed", late, "HTTP 500")
	a.cloud.ClearFaults()
	a.cloud.Inject(sim.Fault{Op: sim.OpList, Kind: sim.Status, Status: 401})
	if _, stderr, code := a.run("sweep", "--dry-run"); code != exitBadly || !strings.Contains(stderr, "HTTP 401") {
		t.Errorf("listing refused: exit code %d\n%s", code, stderr)
	}
	a.running(late)
}

// TestEndpoints_BadInput: what is wrong with the command line ends with code 2
// and says what to write instead.
func TestEndpoints_BadInput(t *testing.T) {
	t.Setenv("NEBIUS_API_KEY", "")
	t.Setenv("LYCEUM_API_KEY", "")
	for _, c := range []struct{ args, want string }{
		{"endpoints lst", "did you mean list?"},
		{"endpoints list --nope", "try: nightshift endpoints list --help"},
		{"endpoints list", "no provider's token is set; set one of"},
		{"endpoints list --provider nebus", "did you mean nebius?"},
		{"endpoints list --provider nebius", "set NEBIUS_API_KEY"},
		{"endpoints list --output xml", "neither table nor json"},
		{"endpoints list --provider nebius --prices /nowhere.yaml", "set NEBIUS_API_KEY"},
		{"endpoints show --provider nebius", "show takes one argument"},
		{"endpoints delete --provider nebius", "delete takes the ids"},
		{"worker --sweep-every 1s", "at least 1m"},
		{"worker --prices /nowhere.yaml", "read price file"},
		{"doctor a b", "at most one argument"},
	} {
		if _, stderr, code := runApp(t, strings.Fields(c.args)...); code != exitBadInput || !strings.Contains(stderr, c.want) {
			t.Errorf("nightshift %s: exit code %d, want %q\n%s", c.args, code, c.want, stderr)
		}
	}
	if stdout, _, code := runApp(t, "endpoints"); code != exitOK || !strings.Contains(stdout, "sweep") {
		t.Errorf("nightshift endpoints: exit code %d\n%s", code, stdout)
	}
	t.Setenv("NEBIUS_API_KEY", "one")
	t.Setenv("LYCEUM_API_KEY", "two")
	if _, stderr, code := runApp(t, "endpoints", "show", "x"); code != exitBadInput || !strings.Contains(stderr, "one of lyceum, nebius") {
		t.Errorf("several tokens: exit code %d\n%s", code, stderr)
	}
}
