package chat

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// directBody is the largest request that direct sends. A larger one can fill
	// the buffers between two machines, so that a server which refuses it without
	// reading it is only heard by who reads while still writing, as net/http does.
	directBody = 64 << 10
	// idleTimeout is how long a connection is kept without use. vLLM's server
	// closes one that was idle for 5 s (VLLM_HTTP_TIMEOUT_KEEP_ALIVE), and a POST
	// that meets the closing fails. So ours are closed first.
	idleTimeout = 4 * time.Second
)

// direct sends what a batch is made of, small requests over plain HTTP/1.1, and
// leaves all else to net/http. It writes and reads on the caller's own
// goroutine, where net/http keeps two for every connection and hands each
// request from one to the other; what all requests to a url have in common is
// written once, see wire; and of an ordinary answer's header only what matters
// is read. Together that is two thirds of what a request costs the processor
// over net/http, see BenchmarkSend, and most of a connection's memory.
type direct struct {
	general http.RoundTripper
	proxied func(*http.Request) bool
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	maxIdle int

	mu    sync.Mutex
	idle  map[string][]*connection // by host; the last used at the end
	count int
	timer *time.Timer // runs while there are any
}

// RoundTrip implements http.RoundTripper, for requests that are not a Client's.
func (d *direct) RoundTrip(request *http.Request) (*http.Response, error) {
	return d.general.RoundTrip(request)
}

// takes reports whether requests like that one are direct's to send, as long as
// they are small.
func (d *direct) takes(request *http.Request) bool {
	return request.URL.Scheme == "http" && !d.proxied(request)
}

// post sends a request and reads the whole answer, its body into memory that is
// given. deadline may be zero. Its errors are ctx's, context.DeadlineExceeded
// once the deadline has passed, or the connection's.
func (d *direct) post(ctx context.Context, to *prepared, request Request, deadline time.Time, limit int64) (reply, error) {
	c, err := d.take(ctx, to.request.URL.Host, deadline)
	if err != nil {
		return reply{}, whyEnded(ctx, deadline, err)
	}
	_ = c.SetDeadline(deadline)
	unwatch := context.AfterFunc(ctx, c.interrupt)
	got, again, err := c.exchange(to, request, limit)
	if !unwatch() || !again || err != nil {
		_ = c.Close()
	} else {
		d.put(c)
	}
	if err != nil {
		return reply{}, whyEnded(ctx, deadline, err)
	}
	return got, nil
}

// whyEnded is the reason that counts when an exchange failed.
func whyEnded(ctx context.Context, deadline time.Time, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded), !deadline.IsZero() && !time.Now().Before(deadline):
		return context.DeadlineExceeded
	}
	return err
}

// take returns a connection to a host: the one used last, which is the least
// likely to have been closed, or a new one.
func (d *direct) take(ctx context.Context, host string, deadline time.Time) (*connection, error) {
	for {
		c := d.pop(host)
		if c == nil {
			break
		}
		if time.Since(c.idleSince) < idleTimeout && c.alive() {
			return c, nil
		}
		_ = c.Close()
	}
	address := host
	if _, _, err := net.SplitHostPort(host); err != nil {
		address = net.JoinHostPort(host, "80")
	}
	if !deadline.IsZero() {
		limited, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		ctx = limited
	}
	raw, err := d.dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return newConnection(raw, host), nil
}

func (d *direct) pop(host string) *connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	waiting := d.idle[host]
	if len(waiting) == 0 {
		return nil
	}
	c := waiting[len(waiting)-1]
	waiting[len(waiting)-1] = nil
	d.idle[host] = waiting[:len(waiting)-1]
	d.count--
	return c
}

// put keeps a connection for the next request.
func (d *direct) put(c *connection) {
	c.idleSince = time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count >= d.maxIdle {
		_ = c.Close()
		return
	}
	d.idle[c.host] = append(d.idle[c.host], c)
	d.count++
	if d.timer == nil {
		d.timer = time.AfterFunc(idleTimeout, d.prune)
	}
}

// prune closes what has been idle for too long.
func (d *direct) prune() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for host, waiting := range d.idle {
		old := 0
		for ; old < len(waiting) && time.Since(waiting[old].idleSince) >= idleTimeout; old++ {
			_ = waiting[old].Close()
		}
		d.count -= old
		if d.idle[host] = append([]*connection(nil), waiting[old:]...); old == len(waiting) {
			delete(d.idle, host)
		}
	}
	d.timer = nil
	if d.count > 0 {
		d.timer = time.AfterFunc(idleTimeout/4, d.prune)
	}
}
