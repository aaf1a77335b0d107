package deploy

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDockerfile_BuildsStatic builds as the Dockerfile does, from what
// .dockerignore lets through, and looks at the program.
func TestDockerfile_BuildsStatic(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	context := t.TempDir()
	for line := range strings.Lines(read(t, ".dockerignore")) {
		if sent, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			copied := exec.CommandContext(t.Context(), "cp", "-r", filepath.Join(root, sent), context)
			if out, err := copied.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
	}
	program := filepath.Join(t.TempDir(), "nightshift")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./cmd/nightshift")
	build.Dir = context
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %v, %v", libraries, err)
	}
	if info, err := os.Stat(program); err != nil || info.Size() > 80<<20 {
		t.Errorf("%v, %v; want at most 80 MiB", info.Size(), err)
	}
}

func TestDockerfile_SaysWhatItShould(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, "go.mod"))[1]
	_, final, _ := strings.Cut(text, "\nFROM scratch\n")
	for _, test := range []struct{ where, want string }{
		{text, "FROM golang:" + version + " AS build\n"},
		{text, `go build -trimpath -ldflags "-s -w" -o /out/nightshift ./cmd/nightshift`},
		{text, "ENV CGO_ENABLED=0 GOWORK=off"},
		{final, "\nUSER 65532:65532\n"},
		{final, `ENTRYPOINT ["/nightshift"]`},
	} {
		if !strings.Contains(test.where, test.want) {
			t.Errorf("there is no %q", test.want)
		}
	}
}
