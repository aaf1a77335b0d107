package chat

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// directBody is the largest request that direct sends. A larger one can fill
	// the buffers between two machines, so that a server which refuses it without
	// reading it is only heard by who reads while still writing, as net/http does.
	directBody = 64 << 10
	// directHeader bounds the headers of an answer.
	directHeader = 1 << 20
	// idleTimeout is how long a connection is kept without use. vLLM's server
	// closes one that was idle for 5 s (VLLM_HTTP_TIMEOUT_KEEP_ALIVE), and a POST
	// that meets the closing fails. So ours are closed first.
	idleTimeout = 4 * time.Second
	// interims is how many interim answers (103 Early Hints) may precede one.
	interims = 5
)

// direct sends what a batch is made of, small requests over plain HTTP/1.1, and
// leaves all else to net/http. It writes and reads on the caller's own
// goroutine, where net/http keeps two for every connection and hands each
// request from one to the other: a third of the processor time of a request,
// see BenchmarkTransport, and most of a connection's memory. The messages
// themselves are net/http's, in both directions.
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

// RoundTrip implements http.RoundTripper.
func (d *direct) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "http" || request.ContentLength < 0 || request.ContentLength > directBody || d.proxied(request) {
		return d.general.RoundTrip(request)
	}
	ctx := request.Context()
	c, err := d.take(ctx, request.URL.Host)
	if err != nil {
		_ = request.Body.Close()
		return nil, err
	}
	unwatch := context.AfterFunc(ctx, c.interrupt)
	response, err := c.exchange(request)
	if err != nil {
		unwatch()
		_ = c.Close()
		return nil, cmp.Or(ctx.Err(), err)
	}
	response.Body = &directAnswer{ReadCloser: response.Body, from: d, over: c, unwatch: unwatch, last: response.Close}
	return response, nil
}

// take returns a connection to a host: the one used last, which is the least
// likely to have been closed, or a new one.
func (d *direct) take(ctx context.Context, host string) (*connection, error) {
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

// connection is one to a server, used by one request at a time.
type connection struct {
	net.Conn
	host      string
	reader    *bufio.Reader
	check     func() bool // whether the server has neither closed it nor said anything unasked
	header    int         // bytes that the header being read may still have; below 0 outside one
	idleSince time.Time
}

func newConnection(raw net.Conn, host string) *connection {
	c := &connection{Conn: raw, host: host, check: quiet(raw)}
	c.reader = bufio.NewReaderSize(c, 4<<10)
	return c
}

func (c *connection) alive() bool { return c.check() }

// interrupt ends whatever waits for the server.
func (c *connection) interrupt() { _ = c.SetDeadline(time.Unix(1, 0)) }

// Read bounds the headers, which net/http's reader takes whole.
func (c *connection) Read(p []byte) (int, error) {
	if c.header == 0 {
		return 0, errHeaderTooLarge
	}
	n, err := c.Conn.Read(p)
	if c.header > 0 {
		c.header = max(0, c.header-n)
	}
	return n, err
}

var (
	errHeaderTooLarge = errors.New("the answer's headers are larger than allowed")
	errSpeaksTLS      = errors.New("the server speaks https, not http")
	errUpgrade        = errors.New("the server wants another protocol")
)

// writers lends a buffer for the moment of writing, so that a connection which
// waits for its answer holds none.
var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 16<<10) }}

// exchange writes the request and reads the answer's header. A server may answer
// and close before it has read everything, so that an answer counts for more
// than an error of writing.
func (c *connection) exchange(request *http.Request) (*http.Response, error) {
	writer := writers.Get().(*bufio.Writer)
	writer.Reset(c.Conn)
	writing := request.Write(writer)
	if writing == nil {
		writing = writer.Flush()
	}
	writer.Reset(nil)
	writers.Put(writer)
	response, err := c.answer(request)
	if err != nil {
		return nil, cmp.Or(writing, err)
	}
	response.Close = response.Close || writing != nil
	return response, nil
}

func (c *connection) answer(request *http.Request) (*http.Response, error) {
	const tlsAlert = 0x15 // the type of its record, RFC 8446, section 5.1
	for range interims {
		c.header = directHeader
		first, err := c.reader.Peek(1)
		if err != nil {
			return nil, err
		}
		if first[0] == tlsAlert {
			return nil, errSpeaksTLS
		}
		response, err := http.ReadResponse(c.reader, request)
		c.header = -1
		switch {
		case err != nil:
			return nil, err
		case response.StatusCode == http.StatusSwitchingProtocols:
			return nil, errUpgrade
		case response.StatusCode >= 200:
			return response, nil
		}
	}
	return nil, errUpgrade
}

// directAnswer gives the connection back when the answer's body is closed,
// provided that nothing is left on it.
type directAnswer struct {
	io.ReadCloser
	from    *direct
	over    *connection
	unwatch func() bool
	last    bool // the connection ends with this answer
	ended   bool // and so has the body
}

// Read implements io.Reader.
func (a *directAnswer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	a.ended = a.ended || err == io.EOF
	return n, err
}

// Close implements io.Closer. It does not read what is left of the body.
func (a *directAnswer) Close() error {
	if !a.unwatch() || !a.ended || a.last || a.over.reader.Buffered() > 0 {
		return a.over.Close()
	}
	a.from.put(a.over)
	return nil
}
