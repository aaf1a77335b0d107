package system

import (
	"bufio"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nightshift-run/nightshift/local/stack"
)

// TestConnection_TLSWithClientCertificateAndRotatedKey sets up a namespace and a
// bucket behind a server that speaks TLS only, runs a job there, rotates the
// API key under the running worker, and tries what must be refused.
func TestConnection_TLSWithClientCertificateAndRotatedKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, stack.Options{NoWorker: true})
	door := newFrontDoor(t, f.Temporal.Address(), "first-key")
	dir := t.TempDir()
	environment := door.environment(t, dir, "first-key")
	outside := outsider{fixture: f, environment: environment}

	outside.succeeds("setup", "--bucket", "s3://made-by-setup")
	outside.succeeds("setup", "--bucket", "s3://made-by-setup") // again is once
	health := outside.startsWorker()
	outside.becomesReady(health)
	stdout := outside.succeeds("run", f.jobFile(f.spec(50)))
	if !strings.Contains(stdout, "50 completed") {
		t.Errorf("run says:\n%s", stdout)
	}

	used := door.accept("second-key")
	replace(t, filepath.Join(dir, "api-key"), "second-key\n")
	soon(t, "the worker uses the new key", used)
	outside.becomesReady(health)
	again := f.spec(50)
	again.Output = f.folder + "/again/"
	outside.succeeds("run", f.jobFile(again))

	replace(t, filepath.Join(dir, "api-key"), "stolen-key")
	outside.fails("unknown API key", "setup")
	replace(t, filepath.Join(dir, "api-key"), "second-key")
	without := func(name string) []string {
		return slices.DeleteFunc(slices.Clone(environment), func(v string) bool { return strings.HasPrefix(v, name) })
	}
	// The server's reason can be lost: with TLS 1.3 it comes after the client has begun to write.
	outsider{f, without("TEMPORAL_TLS_CLIENT")}.fails("no Temporal server at "+door.address, "setup")
	outsider{f, without("TEMPORAL_TLS_SERVER_CA")}.fails("unknown authority", "setup")
	outsider{f, append(slices.Clone(environment), "TEMPORAL_API_KEY_FILE="+filepath.Join(dir, "none"))}.fails("no such file", "setup")
	f.nothingRuns()
}

// outsider runs the built program with an environment that comes on top of the
// world's.
type outsider struct {
	*fixture
	environment []string
}

func (o outsider) execute(args ...string) (stdout, talk string, code int) {
	o.Helper()
	command := o.command(args...)
	command.Env = append(command.Env, o.environment...)
	var out, errors strings.Builder
	command.Stdout, command.Stderr = &out, &errors
	if err := command.Run(); err != nil && command.ProcessState == nil {
		o.Fatal(err)
	}
	return out.String(), errors.String(), command.ProcessState.ExitCode()
}

func (o outsider) succeeds(args ...string) (stdout string) {
	o.Helper()
	stdout, talk, code := o.execute(args...)
	if code != 0 {
		o.Fatalf("%s: exit code %d\n%s%s", args, code, stdout, talk)
	}
	return stdout
}

func (o outsider) fails(want string, args ...string) {
	o.Helper()
	stdout, talk, code := o.execute(args...)
	if code == 0 || !strings.Contains(talk, want) {
		o.Errorf("%s: exit code %d, want %q\n%s%s", args, code, want, stdout, talk)
	}
}

// startsWorker returns where the worker tells how it is.
func (o outsider) startsWorker() (health string) {
	o.Helper()
	command := o.command("worker", "--health-listen", "127.0.0.1:0")
	command.Env = append(command.Env, o.environment...)
	talk, err := command.StderrPipe()
	if err != nil {
		o.Fatal(err)
	}
	if err := command.Start(); err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { kill(command) })
	first := bufio.NewReader(talk)
	line, err := first.ReadString('\n')
	if err != nil {
		o.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, first) }() // ends with the process
	_, url, _ := strings.Cut(strings.TrimSpace(line), "http://")
	return strings.TrimSuffix(url, "/readyz")
}

// becomesReady asks until the worker is.
func (o outsider) becomesReady(health string) {
	o.Helper()
	deadline := time.Now().Add(patience)
	for {
		_, talk, code := o.execute("health", "--health-listen", health)
		switch {
		case code == 0:
			return
		case time.Now().After(deadline):
			o.Fatal(talk)
		}
	}
}
