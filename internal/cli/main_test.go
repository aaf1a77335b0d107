package cli

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestMain takes out what the shell of whoever runs the tests says of accounts
// and servers, by which they would fail or, worse, work on what is real.
func TestMain(m *testing.M) {
	ours := Variables()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		library := slices.ContainsFunc([]string{"TEMPORAL_", "AWS_", "OTEL_"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if library || slices.Contains(ours, name) {
			_ = os.Unsetenv(name)
		}
	}
	for _, file := range []string{"TEMPORAL_CONFIG_FILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		_ = os.Setenv(file, os.DevNull)
	}
	os.Exit(m.Run())
}
