package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryAfter(t *testing.T) {
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	tests := map[string]struct {
		name  string
		value func(now time.Time) string
		want  time.Duration
	}{
		"seconds":                 {"Retry-After", said("7"), 7 * time.Second},
		"a fraction":              {"Retry-After", said("0.25"), 250 * time.Millisecond},
		"nothing":                 {"Retry-After", said(""), 0},
		"no time":                 {"Retry-After", said("0"), 0},
		"negative":                {"Retry-After", said("-5"), 0},
		"words":                   {"Retry-After", said("soon"), 0},
		"not a number":            {"Retry-After", said("NaN"), 0},
		"infinity":                {"Retry-After", said("+Inf"), time.Minute},
		"absurd":                  {"Retry-After", said("86400"), time.Minute},
		"more than a float":       {"Retry-After", said("1e999"), time.Minute},
		"less than a float":       {"Retry-After", said("-1e999"), 0},
		"date":                    {"Retry-After", func(now time.Time) string { return now.Add(9 * time.Second).Format(date) }, 9 * time.Second},
		"date long past":          {"Retry-After", func(now time.Time) string { return now.Add(-time.Hour).Format(date) }, 0},
		"date far away":           {"Retry-After", func(now time.Time) string { return now.Add(time.Hour).Format(date) }, time.Minute},
		"milliseconds":            {"Retry-After-Ms", said("1500"), 1500 * time.Millisecond},
		"fraction of one":         {"Retry-After-Ms", said("0.5"), 500 * time.Microsecond},
		"absurd milliseconds":     {"Retry-After-Ms", said("1e12"), time.Minute},
		"milliseconds, but words": {"Retry-After-Ms", said("soon"), 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				header := http.Header{}
				header.Set(test.name, test.value(time.Now().UTC()))
				if got := retryAfter(header.Get("Retry-After"), header.Get("Retry-After-Ms"), time.Minute); got != test.want {
					t.Errorf("%v, want %v", got, test.want)
				}
			})
		})
	}
	both := http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"250"}}
	if got := retryAfter(both.Get("Retry-After"), both.Get("Retry-After-Ms"), time.Minute); got != 250*time.Millisecond {
		t.Errorf("both: %v, want the milliseconds", got)
	}
	both.Set("Retry-After-Ms", "soon")
	if got := retryAfter(both.Get("Retry-After"), both.Get("Retry-After-Ms"), 5*time.Second); got != 5*time.Second {
		t.Errorf("seconds beside nonsense: %v, want them, capped", got)
	}
}

func said(text string) func(time.Time) string {
	return func(time.Time) string { return text }
}

func TestUnanswered(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	tests := map[string]struct {
		err   error
		class Class
		text  string
	}{
		"refused":            {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), Gone, "no answer: dial tcp: connect: connection refused"},
		"no such host":       {dial(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}), Gone, "no answer: dial tcp: lookup h: no such host"},
		"name server down":   {dial(&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}), Retry, "no answer: dial tcp: lookup h: server misbehaving"},
		"no route":           {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), Retry, "no answer: dial tcp: connect: no route to host"},
		"dialled too long":   {dial(os.ErrDeadlineExceeded), Retry, "no answer: dial tcp: i/o timeout"},
		"reset":              {&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, Retry, "no answer: read tcp: read: connection reset by peer"},
		"cut":                {io.ErrUnexpectedEOF, Retry, "no answer: the connection was cut"},
		"closed":             {io.EOF, Retry, "no answer: the connection was cut"},
		"not understood":     {errors.New(`malformed HTTP response "` + secret + `"`), Retry, "no answer: the connection failed"},
		"client's own limit": {context.DeadlineExceeded, Retry, "no answer: the connection failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := unanswered(&url.Error{Op: "Post", URL: "http://" + secret, Err: fmt.Errorf("wrapped: %w", test.err)})
			if err.Class != test.class || err.Error() != test.text {
				t.Errorf("%q: %q, want %q: %q", err.Class, err, test.class, test.text)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v does not lead to its cause", err)
			}
		})
	}
}

func TestError_Text(t *testing.T) {
	tests := map[string]Error{
		"HTTP 429":                               {Class: Throttled, Status: 429},
		`HTTP 500 (request "r\n1")`:              {Class: Retry, Status: 500, RequestID: "r\n1"},
		"HTTP 200: cut":                          {Class: Retry, Status: 200, Err: errors.New("cut")},
		"no answer: cut":                         {Class: Retry, Err: errors.New("cut")},
		`HTTP 400: no (request "r")`:             {Class: Refused, Status: 400, RequestID: "r", Err: errors.New("no")},
		"no answer: " + context.Canceled.Error(): {Class: Retry, Err: context.Canceled},
	}
	for want, err := range tests {
		if got := err.Error(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestClassOf(t *testing.T) {
	tests := map[Class]error{
		OK:      nil,
		Retry:   context.Canceled,
		Refused: fmt.Errorf("line 3: %w", &Error{Class: Refused}),
	}
	for want, err := range tests {
		if got := ClassOf(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
