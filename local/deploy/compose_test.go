package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	composecli "github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/gateway"
	"github.com/nightshift-run/nightshift/jobs"
)

const root = "../.."

// load reads the compose file as docker compose does, schema included, with
// every profile; the secrets are made in a copy of their folder.
func load(t *testing.T, envFiles ...string) *types.Project {
	t.Helper()
	options, err := composecli.NewProjectOptions(
		[]string{filepath.Join(root, "docker-compose.yml")},
		composecli.WithWorkingDirectory(root), composecli.WithEnvFiles(envFiles...), composecli.WithDotEnv,
		composecli.WithProfiles([]string{"*"}),
	)
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func ours(service types.ServiceConfig) bool { return service.Image == "nightshift:local" }

func TestCompose_PortsOnLoopback(t *testing.T) {
	t.Parallel()
	for name, service := range load(t).Services {
		for _, port := range service.Ports {
			if ip := net.ParseIP(port.HostIP); ip == nil || !ip.IsLoopback() {
				t.Errorf("%s: port %s is open on %q, want a loopback address", name, port.Published, port.HostIP)
			}
		}
	}
}

var pinned = regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?$`)

func TestCompose_ServicesAreComplete(t *testing.T) {
	t.Parallel()
	oneShots := []string{"schema", "setup"}
	for name, service := range load(t).Services {
		if !ours(service) && !pinned.MatchString(service.Image) {
			t.Errorf("%s: image %s has no version", name, service.Image)
		}
		once := slices.Contains(oneShots, name)
		if (service.HealthCheck == nil) != once {
			t.Errorf("%s: health check %v", name, service.HealthCheck)
		}
		if want := map[bool]string{false: "unless-stopped", true: "on-failure:5"}[once]; service.Restart != want {
			t.Errorf("%s: restart is %q, want %q", name, service.Restart, want)
		}
		if ours(service) && !service.ReadOnly {
			t.Errorf("%s: the file system can be written", name)
		}
	}
}

// TestCompose_ImagesAreTheVersionsTested: the servers have the versions of which
// this module runs the code.
func TestCompose_ImagesAreTheVersionsTested(t *testing.T) {
	t.Parallel()
	services := load(t).Services
	for name, module := range map[string]string{
		"temporal": "go.temporal.io/server", "schema": "go.temporal.io/server",
		"ui": "github.com/temporalio/ui-server/v2", "objects": "github.com/versity/versitygw",
	} {
		line := regexp.MustCompile(`\s` + regexp.QuoteMeta(module) + ` v(\S+)`).FindStringSubmatch(read(t, "local/go.mod"))
		if line == nil {
			t.Fatalf("local/go.mod has no %s", module)
		}
		if _, version, _ := strings.Cut(services[name].Image, ":"); strings.TrimPrefix(version, "v") != line[1] {
			t.Errorf("%s: image %s, tested with %s", name, services[name].Image, line[1])
		}
	}
}

// TestCompose_BuildsOnce: the one image is built for one service; the others
// neither build it again nor look for it elsewhere.
func TestCompose_BuildsOnce(t *testing.T) {
	t.Parallel()
	for name, service := range load(t).Services {
		if !ours(service) {
			continue
		}
		if builds := service.Build != nil; builds != (name == "setup") || !builds && service.PullPolicy != types.PullPolicyNever {
			t.Errorf("%s: builds %v, pull policy %q", name, builds, service.PullPolicy)
		}
	}
}

// known are the names of variables that each other image reads: its
// documentation's, or of Temporal's server, its configuration template's.
var known = map[string][]string{
	"postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD_FILE"},
	"schema":   {"SQL_PLUGIN", "SQL_HOST", "SQL_PORT", "SQL_USER"},
	"temporal": {"DB", "DB_PORT", "POSTGRES_SEEDS", "POSTGRES_USER", "NUM_HISTORY_SHARDS", "BIND_ON_IP", "DYNAMIC_CONFIG_FILE_PATH"},
	"ui":       {"TEMPORAL_ADDRESS"},
}

// others' variables that nightshift reads through their libraries.
var libraries = []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE"}

func TestCompose_EnvironmentIsRead(t *testing.T) {
	t.Parallel()
	for name, service := range load(t).Services {
		names := known[name]
		if ours(service) {
			names = append(cli.Variables(), libraries...)
		}
		for variable := range service.Environment {
			if !slices.Contains(names, variable) {
				t.Errorf("%s: nothing reads %s", name, variable)
			}
		}
	}
}

// TestCompose_CommandsParse with the real command line, health checks
// included.
func TestCompose_CommandsParse(t *testing.T) { // one at a time: the library shares its help flag
	for name, service := range load(t).Services {
		if !ours(service) {
			continue
		}
		if err := cli.Parse(append([]string{"nightshift"}, service.Command...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if service.HealthCheck == nil {
			continue
		}
		test := service.HealthCheck.Test
		if len(test) < 3 || test[0] != "CMD" || test[1] != "/nightshift" {
			t.Errorf("%s: health check %v", name, test)
		} else if err := cli.Parse(test[1:]); err != nil {
			t.Errorf("%s: health check: %v", name, err)
		}
	}
}

func TestCompose_FilesExist(t *testing.T) {
	t.Parallel()
	secrets := makeSecrets(t)
	project := load(t)
	for name, secret := range project.Secrets {
		if _, err := os.Stat(filepath.Join(secrets, filepath.Base(secret.File))); err != nil || filepath.Base(filepath.Dir(secret.File)) != "secrets" {
			t.Errorf("secret %s: secrets.sh does not make %s", name, secret.File)
		}
	}
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil || !volume.ReadOnly {
				t.Errorf("%s: %s: %v, read-only %v", name, volume.Source, err, volume.ReadOnly)
			}
		}
		for variable, value := range service.Environment {
			file, mounted := strings.CutPrefix(deref(value), "/run/secrets/")
			if mounted && !slices.ContainsFunc(service.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == file }) {
				t.Errorf("%s: %s names a secret that is not mounted", name, variable)
			}
		}
	}
}

func deref(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

// makeSecrets runs the script in a copy of its folder, twice, and returns where
// the secrets are.
func makeSecrets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(root, "deploy/compose/secrets.sh"))
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "secrets.sh")
	if err := os.WriteFile(script, text, 0o700); err != nil {
		t.Fatal(err)
	}
	var before []byte
	for range 2 {
		if out, err := exec.CommandContext(t.Context(), "sh", script).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		password, err := os.ReadFile(filepath.Join(dir, "secrets/postgres-password"))
		if err != nil || len(password) != 48 || before != nil && string(before) != string(password) {
			t.Fatalf("password %q after %q, %v", password, before, err)
		}
		before = password
	}
	return filepath.Join(dir, "secrets")
}

// TestCompose_Gateway: what the gateway is given is what it can read, and the key
// that the script makes opens it.
func TestCompose_Gateway(t *testing.T) {
	t.Parallel()
	if _, err := gateway.ParseConfig("serve.yaml", []byte(read(t, "deploy/compose/serve.yaml"))); err != nil {
		t.Error(err)
	}
	secrets := makeSecrets(t)
	keys, err := os.ReadFile(filepath.Join(secrets, "gateway-keys"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := gateway.ParseKeys("gateway-keys", keys)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(secrets, "gateway-key"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(key); len(list) != 1 || list[0].SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("key %q is not the one of %+v", key, list)
	}
}

// TestCompose_Simulated: with its environment file the workers rent from the
// simulated cloud, and the example is a job that can be run there.
func TestCompose_Simulated(t *testing.T) {
	t.Parallel()
	project := load(t, filepath.Join(root, "deploy/compose/simulated.env"))
	if got := deref(project.Services["control"].Environment["NEBIUS_BASE_URL"]); got != "http://cloud:8700" {
		t.Errorf("the control worker's NEBIUS_BASE_URL is %q", got)
	}
	if got := project.Environment["COMPOSE_PROFILES"]; got != "simulated" || !slices.Contains(project.Services["cloud"].Profiles, got) {
		t.Errorf("profile %q does not start the cloud", got)
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/compose/example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec, err := jobs.Parse("example.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	mounted := strings.TrimPrefix(spec.Input[0], "file:///")
	if _, err := os.Stat(filepath.Join(root, mounted)); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(spec.Output, "s3://nightshift/") || bucket.CheckPrefix(spec.Output) != nil {
		t.Errorf("output %s is not in the bucket that setup makes", spec.Output)
	}
}
