package prices

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prices.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	t.Parallel()
	prices, err := Load(write(t, "# per GPU and hour\nnebius:\n  gpu-h100-sxm: 3.20 USD\n  gpu-l40s-d: 0.9 EUR\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		provider, gpu string
		want          jobs.Money
		known         bool
	}{
		{"nebius", "gpu-h100-sxm", jobs.Money{Amount: 3.2, Currency: "USD"}, true},
		{"nebius", "gpu-l40s-d", jobs.Money{Amount: 0.9, Currency: "EUR"}, true},
		{"nebius", "gpu-b200-sxm", jobs.Money{}, false},
		{"elsewhere", "gpu-h100-sxm", jobs.Money{}, false},
	} {
		if got, known := prices.Of(c.provider, c.gpu); got != c.want || known != c.known {
			t.Errorf("%s %s: %v, %v; want %v, %v", c.provider, c.gpu, got, known, c.want, c.known)
		}
	}
	if _, known := Prices(nil).Of("nebius", "gpu-h100-sxm"); known {
		t.Error("no prices at all know one")
	}
}

// TestLoad_AllProblemsAtOnce: each with its line, in the file's order.
func TestLoad_AllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	path := write(t, strings.Join([]string{
		`nebus: {gpu-h100-sxm: 3.20 USD}`,
		`nebius:`,
		`  gpu-h100-sxm: 3.20`,
		`  gpu-h200-sxm: -1 USD`,
		`  gpu-b200-sxm: [4 USD]`,
		`  gpu-l40s-d: ""`,
		`  gpu-h100-sxm: 3.30 USD`,
		`  gpu-l40s-a: 0 USD`, // a GPU that is paid for anyhow
	}, "\n"))
	_, err := Load(path)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		":1: nebus: unknown provider; did you mean nebius?",
		`:3: nebius.gpu-h100-sxm: "3.20" is not an amount`,
		`:4: nebius.gpu-h200-sxm: "-1 USD" is not an amount`,
		":5: nebius.gpu-b200-sxm: must be an amount",
		":6: nebius.gpu-l40s-d: has no amount",
		":7: nebius.gpu-h100-sxm: comes twice; it is in line 3 already",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d problems, want %d:\n%v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, path+want[i]) {
			t.Errorf("problem %q, want %q", line, want[i])
		}
	}
}

func TestLoad_NotAPriceFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "the file is empty",
		"# nothing\n":     "the file is empty",
		"3.20 USD":        ":1: must hold providers",
		"nebius: 3":       ":1: nebius: must hold GPU types",
		"nebius: {":       "prices.yaml",
		"- nebius\n- x\n": ":1: must hold providers",
	} {
		if _, err := Load(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.yaml")); err == nil || !strings.Contains(err.Error(), "read price file") {
		t.Errorf("no file: %v", err)
	}
}
