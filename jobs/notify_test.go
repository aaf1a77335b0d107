package jobs

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

const notified = minimal + `
notify: {webhook: "https://example.com/hook", secret_env: HOOK_SECRET}
`

func TestNotify_FillsInDefaults(t *testing.T) {
	t.Parallel()
	spec, err := Parse("job.yaml", []byte(notified))
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[Event]bool{
		OnCompleted: true, OnFailed: true, OnExpired: true, OnCancelled: true, OnUnconfirmed: true, OnSkipped: false,
	} {
		if spec.Notify.Wants(event) != want {
			t.Errorf("%s is told: %t", event, !want)
		}
	}
	if (Notify{}).Wants(OnFailed) || !(Notify{On: []Event{OnFailed}}).Wants(OnUnconfirmed) {
		t.Error("nobody wants to know, or a failure is no failure")
	}
}

func TestNotify_TellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{`webhook: "https://example.com/hook", `, "", "notify.webhook: is missing"},
		{"https://example.com", "ftp://example.com", "notify.webhook: must be an address"},
		{"https://example.com", "https://user:pass@example.com", "notify.webhook: holds a password"},
		{"secret_env", "webhook_env: HOOK, secret_env", "notify.webhook_env: cannot stand beside webhook"},
		{"HOOK_SECRET", "whsec_abc+/=", "notify.secret_env: must be the name of a variable"},
		{"secret_env: HOOK_SECRET", "secret: abc", "notify.secret: unknown field"},
		{"secret_env", "on: [completed, done], secret_env", `notify.on.1: "done" is not one of completed, failed`},
	} {
		t.Run(c.new, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(notified, c.old, c.new, 1)
			_, err := Parse("job.yaml", []byte(text))
			if text == notified || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nand does not say\n%s", err, c.want)
			}
		})
	}
}

// TestNotice compares a notice with the one in the documentation of Notice.
func TestNotice(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 21, 2, 0, 0, 0, time.UTC)
	report := Report{
		Job: "20261121-020000-nightly-summaries-k3fq", Name: "nightly-summaries", Outcome: Completed, Output: "s3://answers/2026-11-21/",
		Schedule: "nightly-summaries", ScheduledFor: at, Started: at, Finished: at.Add(time.Hour + 12*time.Minute + 44*time.Second),
		Counts: Counts{Total: 1000, Completed: 998, Failed: 2}, Usage: Usage{InputTokens: 193097, OutputTokens: 63462},
		Cost: Money{4.2, "USD"},
		Rentals: []Rental{{
			GPUs: 1, Requested: at, StopAsked: at.Add(2 * time.Hour), Confirmed: at.Add(2 * time.Hour),
			Meter: Meter{Steps: []Step{{At: at, Replicas: 1}, {At: at.Add(5046 * time.Second)}}, Until: at.Add(2 * time.Hour)},
		}},
	}
	source, err := os.ReadFile("notice.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented strings.Builder
	for line := range strings.Lines(string(source)) {
		if example, ok := strings.CutPrefix(line, "//\t"); ok {
			documented.WriteString(example)
		}
	}
	text, err := json.Marshal(report.Notice("s3://answers/2026-11-21/report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(documented.String()), &want)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("a notice is\n%s\nand documented as\n%s", text, documented.String())
	}
}

func TestNotice_NamesWhatIsNotConfirmedOff(t *testing.T) {
	t.Parallel()
	report := Report{Outcome: Failed, Reason: strings.Repeat("ü", maxReason), Rentals: []Rental{{Provider: "nebius", ID: "ep-1", Name: "n"}}}
	notice := report.Notice("")
	if notice.Type != "job.unconfirmed" || notice.Data.Unconfirmed[0] != "nebius: ep-1 (n)" || notice.Data.Outcome != Failed {
		t.Errorf("notice = %+v", notice)
	}
	if len(notice.Data.Reason) > maxReason || strings.Contains(notice.Data.Reason, "\ufffd") {
		t.Error("the reason is too long, or cut within a letter")
	}
}
