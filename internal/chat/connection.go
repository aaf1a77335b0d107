package chat

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// directHeader bounds the headers of an answer.
	directHeader = 1 << 20
	// interims is how many interim answers (103 Early Hints) may precede one.
	interims = 5
	// readBuffer holds the header of an ordinary answer, and most of its body.
	readBuffer = 4 << 10
)

// connection is one to a server, used by one request at a time.
type connection struct {
	net.Conn
	host      string
	reader    *bufio.Reader
	rest      io.LimitedReader // of reader: what is left of an answer's body
	socket    *socket
	header    int // bytes that the header being read may still have; below 0 outside one
	idleSince time.Time
}

func newConnection(raw net.Conn, host string) *connection {
	c := &connection{Conn: raw, host: host, socket: newSocket(raw)}
	c.reader = bufio.NewReaderSize(c, readBuffer)
	c.rest.R = c.reader
	return c
}

// alive reports whether the server has neither closed the connection nor said
// anything unasked.
func (c *connection) alive() bool { return c.socket.quiet() }

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
var writers = sync.Pool{New: func() any { return new([]byte) }}

// exchange writes a request and reads the answer. again says whether the
// connection can take another. A server may answer and close before it has read
// everything, so that an answer counts for more than an error of writing.
func (c *connection) exchange(to *prepared, request Request, limit int64) (got reply, again bool, err error) {
	writer := writers.Get().(*[]byte)
	*writer = to.wire.append((*writer)[:0], request)
	writing, waiting := c.socket.ask(c, writer)
	if waiting != nil {
		return reply{}, false, waiting
	}
	got, again, err = c.answer(to.request, request.Into, limit)
	if err != nil {
		return reply{}, false, cmp.Or(writing, err)
	}
	return got, again && writing == nil && c.reader.Buffered() == 0, nil
}

// answer reads the answer to a request, headers that are out of the ordinary by
// net/http.
func (c *connection) answer(request *http.Request, into []byte, limit int64) (reply, bool, error) {
	const tlsAlert = 0x15 // the type of its record, RFC 8446, section 5.1
	for range interims {
		c.header = directHeader
		first, err := c.reader.Peek(1)
		if err != nil {
			return reply{}, false, err
		}
		if first[0] == tlsAlert {
			return reply{}, false, errSpeaksTLS
		}
		var head plainHead
		size, err := head.read(c.reader)
		if err != nil {
			return reply{}, false, err
		}
		if size > 0 {
			c.header = -1
			_, _ = c.reader.Discard(size)
			return c.plainBody(head, into, limit)
		}
		response, err := http.ReadResponse(c.reader, request)
		c.header = -1
		switch {
		case err != nil:
			return reply{}, false, err
		case response.StatusCode == http.StatusSwitchingProtocols:
			return reply{}, false, errUpgrade
		case response.StatusCode >= 200:
			got, err := replyOf(response, into, limit)
			return got, !response.Close, err
		}
	}
	return reply{}, false, errUpgrade
}

// plainBody reads a body of known length.
func (c *connection) plainBody(head plainHead, into []byte, limit int64) (reply, bool, error) {
	c.rest.N = head.length
	body, err := readBody(&c.rest, head.length, into, limit)
	if err == nil && int64(len(body)) < head.length {
		err = io.ErrUnexpectedEOF
	}
	head.reply.body = body
	return head.reply, true, err
}
