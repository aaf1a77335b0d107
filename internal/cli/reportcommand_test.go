package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nightshift-run/nightshift/jobs"
)

// TestReport_OfAnOutput needs no Temporal: the job may be long forgotten there.
func TestReport_OfAnOutput(t *testing.T) {
	t.Parallel()
	failedLines, well, expired, refused := finished(), finished(), finished(), finished()
	well.Counts = jobs.Counts{Total: 2, Completed: 2}
	expired.Outcome, expired.Failure = jobs.Expired, jobs.DeadlineReached
	refused.Outcome, refused.Failure = jobs.Failed, jobs.InvalidInput
	for name, c := range map[string]struct {
		report jobs.Report
		code   int
	}{"failed lines": {failedLines, exitFailedLines}, "well": {well, exitOK}, "expired": {expired, exitBadly}, "refused": {refused, exitBadInput}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			text, err := json.Marshal(c.report)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "report.json"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, output := range []string{"file://" + dir + "/", "file://" + dir + "/report.json"} {
				stdout, stderr, code := runApp(t, "report", output)
				if code != c.code || !strings.Contains(stdout, c.report.Job+": "+string(c.report.Outcome)) {
					t.Errorf("%s: exit code %d\n%s%s", output, code, stdout, stderr)
				}
			}
			stdout, _, code := runApp(t, "report", "--json", "file://"+dir+"/")
			var read jobs.Report
			if err := json.Unmarshal([]byte(stdout), &read); err != nil || code != c.code || read.Job != c.report.Job {
				t.Errorf("exit code %d, %v, %s", code, err, stdout)
			}
		})
	}
	if _, stderr, code := runApp(t, "report", "file://"+t.TempDir()+"/"); code != exitBadly || !strings.Contains(stderr, "no report.json lies there") {
		t.Errorf("without one: exit code %d, %s", code, stderr)
	}
}
