package chat

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// whole is an answer as it goes over the wire.
func whole(header string) string {
	return "HTTP/1.1 200 OK\r\n" + header + "Content-Length: " + strconv.Itoa(len(result)) + "\r\n\r\n" + result
}

func TestDirect_SortsWhatIsOdd(t *testing.T) {
	tests := map[string]struct {
		wire  string
		class Class
		text  string // of the error
	}{
		"interim answers":     {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + whole(""), OK, ""},
		"too many of them":    {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9) + whole(""), Retry, errUpgrade.Error()},
		"another protocol":    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: hush\r\n\r\n", Retry, errUpgrade.Error()},
		"headers for ever":    {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("hush", 1<<19) + "\r\n", Retry, errHeaderTooLarge.Error()},
		"a TLS alert":         {"\x15\x03\x01\x00\x02\x02\x28", Misconfigured, errSpeaksTLS.Error()},
		"more than promised":  {whole("") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhush", OK, ""},
		"lines without CR":    {strings.ReplaceAll(whole(""), "\r\n", "\n"), OK, ""},
		"lines of both kinds": {"HTTP/1.1 200 OK\r\nX: y\nContent-Length: " + strconv.Itoa(len(result)) + "\r\n\n" + result, OK, ""},
		"a length too many":   {whole("Content-Length: 3\r\n"), Retry, "the connection failed"},
		"a header over two":   {whole("X: y\r\n z\r\n"), OK, ""},
		"a large header":      {whole("X: " + strings.Repeat("y", 2*readBuffer) + "\r\n"), OK, ""},
		"said to be kept":     {whole("Connection: Keep-Alive\r\n"), OK, ""},
		"said to be closed":   {whole("Connection: close\r\n"), OK, ""},
		"until it closes":     {"HTTP/1.1 200 OK\r\n\r\n" + result, OK, ""},
		"HTTP/1.0":            {"HTTP/1.0 200 OK\r\n\r\n" + result, OK, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{}, 1)
			c := dial(serve(t, func(w http.ResponseWriter, r *http.Request) {
				raw(test.wire)(w, r)
				closed <- struct{}{}
			}))
			for range 2 { // the second must not read what the first has left
				answer, err := c.Send(t.Context(), completions, []byte(prompt))
				<-closed // or the second could meet the closing
				if ClassOf(err) != test.class || err == nil && string(answer.Body) != result {
					t.Fatalf("class %q (%v) and %q, want class %q", ClassOf(err), err, answer.Body, test.class)
				}
				if err != nil && (!strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), secret)) {
					t.Errorf("error %q, want %q", err, test.text)
				}
			}
		})
	}
}

// A server that closes a connection between two requests, without a word, must
// not cost the second an attempt.
func TestDirect_LeavesClosedConnections(t *testing.T) {
	closed := make(chan struct{}, 1)
	c := dial(serve(t, func(w http.ResponseWriter, r *http.Request) {
		raw(whole(""))(w, r)
		closed <- struct{}{}
	}))
	for range 20 {
		if _, err := c.Send(t.Context(), completions, []byte(prompt)); err != nil {
			t.Fatal(err)
		}
		<-closed
	}
}

// An answer that comes before the body was read counts.
func TestDirect_HearsEarlyAnswers(t *testing.T) {
	over := make(chan struct{})
	c := dial(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		connection, _, _ := http.NewResponseController(w).Hijack()
		_, _ = io.WriteString(connection, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
		<-over
		_ = connection.Close()
	}))
	defer close(over)
	_, err := c.Send(t.Context(), completions, []byte(strings.Repeat(" ", directBody)))
	if ClassOf(err) != Refused {
		t.Errorf("class %q (%v), want refused", ClassOf(err), err)
	}
}

// What is not a small request over plain HTTP is net/http's.
func TestDirect_LeavesTheRest(t *testing.T) {
	for name, test := range map[string]struct {
		url     string
		size    int
		proxied bool
	}{
		"over TLS":        {"https://host/v1", 2, false},
		"a large body":    {"http://host/v1", directBody + 1, false},
		"through a proxy": {"http://host/v1", 2, true},
	} {
		var general atomic.Bool
		d := Transport(1).(*direct)
		d.proxied = func(*http.Request) bool { return test.proxied }
		d.general = roundTripper(func(*http.Request) (*http.Response, error) {
			general.Store(true)
			return nil, io.EOF
		})
		c := New(Options{BaseURL: test.url, Transport: d})
		if _, err := c.Send(t.Context(), completions, make([]byte, test.size)); err == nil || !general.Load() {
			t.Errorf("%s: sent directly (%v)", name, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func TestDirect_ClosesWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Transport(2).(*direct)
		var ends []net.Conn
		for range 3 {
			ours, theirs := net.Pipe()
			d.put(newConnection(ours, "host"))
			ends = append(ends, theirs)
			time.Sleep(time.Second)
		}
		if kept := d.kept(); kept != 2 {
			t.Errorf("%d connections are kept, want 2", kept)
		}
		time.Sleep(2 * idleTimeout)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.count != 0 || len(d.idle) != 0 || d.timer != nil {
			t.Errorf("%d connections are left, of hosts %v", d.count, d.idle)
		}
		for _, end := range ends {
			if _, err := end.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("a connection is not closed: %v", err)
			}
		}
	})
}

func (d *direct) kept() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

func TestDirect_DoesNotUseWhatWasIdleForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Transport(2).(*direct)
		dialled := errors.New("dialled")
		d.dial = func(context.Context, string, string) (net.Conn, error) { return nil, dialled }
		ours, _ := net.Pipe()
		c := newConnection(ours, "host")
		d.put(c)
		c.idleSince = time.Now().Add(-idleTimeout)
		if _, err := d.take(t.Context(), "host", time.Time{}); err != dialled {
			t.Errorf("took a connection that was idle for %s (%v)", idleTimeout, err)
		}
		time.Sleep(2 * idleTimeout) // until the timer has run
	})
}
