package cli

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestHealth_ExitCodes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/livez" {
			http.Error(w, "task queue data is not polled", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"alive", []string{"--health-listen", address, "--live"}, exitOK, "ok"},
		{"not ready", []string{"--health-listen", address}, exitBadly, "task queue data is not polled"},
		{"another URL", []string{"--url", server.URL + "/livez"}, exitOK, "ok"},
		{"nobody there", []string{"--health-listen", "127.0.0.1:1"}, exitBadly, "nobody answers"},
		{"no address", nil, exitBadInput, "--health-listen 127.0.0.1:7280"},
		{"not a URL", []string{"--url", "http://%"}, exitBadInput, "invalid URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, code := runApp(t, append([]string{"health"}, test.args...)...)
			if code != test.code || !strings.Contains(stdout+stderr, test.want) {
				t.Errorf("exit code %d, %s%s", code, stdout, stderr)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"worker --role data", ""},
		{"endpoints sweep --dry-run", ""},
		{"worker --rôle data", "rôle"},
		{"wroker", "unknown command"},
	} {
		err := Parse(append([]string{"nightshift"}, strings.Fields(test.line)...))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.line, err, test.want)
		}
	}
}

func TestVariables(t *testing.T) {
	got := Variables()
	for _, want := range []string{"NEBIUS_API_KEY", "NEBIUS_API_KEY_FILE", "NIGHTSHIFT_HEALTH_LISTEN", "NIGHTSHIFT_S3_SSE_KMS_KEY", "TOGETHER_BASE_URL"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing from %v", want, got)
		}
	}
}
