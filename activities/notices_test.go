package activities

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/nightshift-run/nightshift/internal/webhook"
	"github.com/nightshift-run/nightshift/jobs"
	"github.com/nightshift-run/nightshift/workflows"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func noticeCall(to jobs.Notify) workflows.NoticeCall {
	report := jobs.Report{Job: "20261121-020000-job-k3fq", Outcome: jobs.Completed, Finished: time.Unix(1000, 0).UTC()}
	return workflows.NoticeCall{To: to, Notice: report.Notice("s3://b/report.json")}
}

// TestSendNotice_IsTakenInTheEnd by a server that is down at first, which can
// check each attempt's signature and sees one id.
func TestSendNotice_IsTakenInTheEnd(t *testing.T) {
	t.Setenv("TEST_HOOK_SECRET", hookSecret)
	secret, err := webhook.ParseSecret(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seconds, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
		id := r.Header.Get("webhook-id")
		if r.Header.Get("webhook-signature") != secret.Sign(id, time.Unix(seconds, 0), body) || id != "20261121-020000-job-k3fq-completed" {
			t.Errorf("headers %v", r.Header)
		}
		var notice jobs.Notice
		if err := json.Unmarshal(body, &notice); err != nil || notice.Data.Report != "s3://b/report.json" {
			t.Errorf("body %s: %v", body, err)
		}
		if calls++; calls < 3 {
			w.WriteHeader(500)
		}
	}))
	t.Cleanup(server.Close)
	notices := &Notices{HTTP: webhook.Client()}
	call := noticeCall(jobs.Notify{Webhook: server.URL, SecretEnv: "TEST_HOOK_SECRET"})
	for attempt := range 3 {
		err := notices.SendNotice(t.Context(), call)
		if (err == nil) != (attempt == 2) {
			t.Errorf("attempt %d: %v", attempt, err)
		}
		if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok && failed.NonRetryable() {
			t.Errorf("attempt %d would be the last: %v", attempt, err)
		}
	}
}

// TestSendNotice_SaysWhatIsMissing without saying what is there.
func TestSendNotice_SaysWhatIsMissing(t *testing.T) {
	t.Setenv("TEST_HOOK_WORD", "a-secret-word")
	for name, c := range map[string]struct {
		to   jobs.Notify
		want string
	}{
		"no secret":         {jobs.Notify{Webhook: "http://127.0.0.1:1", SecretEnv: "TEST_HOOK_NONE"}, "TEST_HOOK_NONE is not set"},
		"no webhook":        {jobs.Notify{WebhookEnv: "TEST_HOOK_NONE"}, "TEST_HOOK_NONE is not set"},
		"not a secret":      {jobs.Notify{Webhook: "http://127.0.0.1:1", SecretEnv: "TEST_HOOK_WORD"}, "TEST_HOOK_WORD: must be whsec_"},
		"not an address":    {jobs.Notify{WebhookEnv: "TEST_HOOK_WORD"}, "TEST_HOOK_WORD does not hold an address"},
		"nobody is at home": {jobs.Notify{Webhook: "http://127.0.0.1:1/a-secret-path"}, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&Notices{HTTP: webhook.Client()}).SendNotice(t.Context(), noticeCall(c.to))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "a-secret") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestSendNotice_StopsAtAReceiverThatIsGone(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	t.Cleanup(server.Close)
	err := (&Notices{HTTP: webhook.Client()}).SendNotice(t.Context(), noticeCall(jobs.Notify{Webhook: server.URL}))
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); !ok || !failed.NonRetryable() {
		t.Errorf("error %v", err)
	}
}
