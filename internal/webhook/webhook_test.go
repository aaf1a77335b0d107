package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The example with which the implementations of Standard Webhooks are tested.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleBody      = `{"test": 2432232314}`
	exampleTime      = 1614265330
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestSign_AsStandardWebhooks(t *testing.T) {
	t.Parallel()
	secret, err := ParseSecret(exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := secret.Sign(exampleID, time.Unix(exampleTime, 0), []byte(exampleBody)); got != exampleSignature {
		t.Errorf("signature %s, want %s", got, exampleSignature)
	}
}

func TestParseSecret_RefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		if _, err := ParseSecret(text); err == nil || text != "" && text != "whsec_" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// receiver answers with each status in turn, the last one for ever, and keeps
// what it was sent.
type receiver struct {
	*httptest.Server
	requests []*http.Request
	bodies   []string
}

func newReceiver(t *testing.T, statuses ...int) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		status := statuses[min(len(r.requests), len(statuses)-1)]
		r.requests, r.bodies = append(r.requests, request), append(r.bodies, string(body))
		w.Header().Set("location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, "an answer that is nobody's business")
	}))
	t.Cleanup(r.Close)
	return r
}

func TestSend_SignsWhatItSends(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, 204)
	secret, _ := ParseSecret(exampleSecret)
	if err := Send(t.Context(), Client(), r.URL+"/hook?token=x", secret, Message{ID: "job-completed", Body: []byte(exampleBody)}); err != nil {
		t.Fatal(err)
	}
	got := r.requests[0]
	seconds, err := strconv.ParseInt(got.Header.Get("webhook-timestamp"), 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > time.Minute {
		t.Errorf("timestamp %q is %s old", got.Header.Get("webhook-timestamp"), age)
	}
	want := secret.Sign("job-completed", time.Unix(seconds, 0), []byte(r.bodies[0]))
	if got.Header.Get("webhook-id") != "job-completed" || got.Header.Get("webhook-signature") != want || r.bodies[0] != exampleBody {
		t.Errorf("sent %v %s", got.Header, r.bodies[0])
	}
	if got.Method != "POST" || got.Header.Get("content-type") != "application/json" || got.URL.RequestURI() != "/hook?token=x" {
		t.Errorf("%s %s, %v", got.Method, got.URL, got.Header)
	}
}

func TestSend_WithoutASecretDoesNotSign(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, 200)
	if err := Send(t.Context(), Client(), r.URL, Secret{}, Message{ID: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, signed := r.requests[0].Header["Webhook-Signature"]; signed {
		t.Error("signed with an empty key")
	}
}

func TestSend_TellsWhatWasNotTaken(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		500: "answered 500", 404: "answered 404", 410: "410, gone",
		307: "answered 307", // and nothing is sent where it points
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, status)
			err := Send(t.Context(), Client(), r.URL+"/a-secret-path", Secret{}, Message{ID: "x"})
			if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrGone) != (status == 410) {
				t.Fatalf("error %v", err)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "nobody") || len(r.requests) != 1 {
				t.Errorf("%d requests; error %v", len(r.requests), err)
			}
		})
	}
}

func TestSend_ErrorsDoNotNameTheAddress(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(nil)
	dead.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx     context.Context
		address string
	}{{t.Context(), dead.URL + "/a-secret-path"}, {t.Context(), "http://a-secret-path\x7f"}, {over, dead.URL + "/a-secret-path"}} {
		if err := Send(c.ctx, Client(), c.address, Secret{}, Message{ID: "x"}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v", c.address, err)
		}
	}
}
