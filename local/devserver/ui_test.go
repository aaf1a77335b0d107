package devserver

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestServer_WebUI(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Namespace: "night"})
	for path, want := range map[string]string{
		"/":                                           "/_app/",
		"/healthz":                                    "OK",
		"/namespaces/night/workflows":                 "/_app/", // the page's script does the rest
		"/api/v1/namespaces/night":                    `"night"`,
		"/api/v1/namespaces/night/workflows":          "{",
		"/api/v1/namespaces/night/schedules":          "{",
		"/api/v1/ui-extensions":                       `"Enabled":false`,
		"/render?content=%7Ca%7C%0A%7C-%7C%0A%7C1%7C": "<table>",
	} {
		if status, body := fetch(t, http.MethodGet, s.UIURL()+path, nil); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s: status %d, body %.200s; want 200 and %q", path, status, body, want)
		}
	}
	_, page := fetch(t, http.MethodGet, s.UIURL(), nil)
	script := regexp.MustCompile(`/_app/[^"]+\.js`).FindString(page)
	if status, body := fetch(t, http.MethodGet, s.UIURL()+script, nil); status != http.StatusOK || !strings.Contains(body, "import") {
		t.Errorf("GET %q, the page's script: status %d, body %.200s; want 200 and a script", script, status, body)
	}
}

func TestServer_WebUICallsNobody(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	_, body := fetch(t, http.MethodGet, s.UIURL()+"/api/v1/settings", nil)
	var settings struct {
		DefaultNamespace   string
		DisableNewsFetch   bool
		NotifyOnNewVersion bool
	}
	if err := json.Unmarshal([]byte(body), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.DefaultNamespace != "default" || !settings.DisableNewsFetch || settings.NotifyOnNewVersion {
		t.Errorf("settings %+v, want no news and no version checks", settings)
	}
}

func TestServer_WebUIRefusesOtherSites(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	header := http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"http://example.com"}}
	if status, body := fetch(t, http.MethodPost, s.UIURL()+"/api/v1/namespaces", header); status != http.StatusForbidden {
		t.Errorf("POST from another site: status %d, body %.200s; want 403", status, body)
	}
}

func TestServer_WithoutWebUI(t *testing.T) {
	t.Parallel()
	if url := start(t, Options{UIPort: NoUI}).UIURL(); url != "" {
		t.Errorf("URL %q, want none", url)
	}
}

func fetch(t *testing.T, method, url string, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
