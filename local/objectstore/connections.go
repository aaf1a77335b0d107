package objectstore

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// connections knows on which of the gateway's connections a request is under
// way. The gateway's own shutdown makes such requests fail, and then waits ten
// seconds for each connection on which nothing was ever sent. Go's HTTP client
// leaves such: it dials for a request and then sends it on another connection
// that has become free.
type connections struct {
	log  *slog.Logger
	hook sync.Once

	mu       sync.Mutex
	busy     map[net.Conn]bool // all that are open
	stopping bool
	ended    chan struct{} // has room for one: a request has ended
}

func newConnections(log *slog.Logger) *connections {
	return &connections{log: log, busy: map[net.Conn]bool{}, ended: make(chan struct{}, 1)}
}

// watch is the gateway's middleware. The first request, which is Start's own,
// gets hold of the HTTP server.
func (c *connections) watch(ctx fiber.Ctx) error {
	c.hook.Do(func() { c.attach(ctx.App().Server()) })
	if !c.begin(ctx.RequestCtx().Conn()) {
		return ctx.SendStatus(http.StatusServiceUnavailable)
	}
	return ctx.Next()
}

// begin tells whether a request may begin: not once drain has counted.
func (c *connections) begin(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopping {
		c.busy[conn] = true
	}
	return !c.stopping
}

// attach also moves to the log what would be written to stderr, above all that a
// client broke off.
func (c *connections) attach(server *fasthttp.Server) {
	server.ConnState = c.changed
	server.Logger = slog.NewLogLogger(c.log.Handler(), slog.LevelDebug)
	answer := server.ErrorHandler
	server.ErrorHandler = func(ctx *fasthttp.RequestCtx, err error) {
		if _, broken := errors.AsType[*net.OpError](err); broken || errors.Is(err, io.ErrUnexpectedEOF) {
			c.log.Debug("object store: a connection broke", "error", err)
			return
		}
		answer(ctx, err)
	}
}

func (c *connections) changed(conn net.Conn, state fasthttp.ConnState) {
	if state == fasthttp.StateActive { // it may have to wait for its request yet
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == fasthttp.StateClosed {
		delete(c.busy, conn)
	} else {
		c.busy[conn] = false
		if c.stopping {
			conn.Close()
		}
	}
	select {
	case c.ended <- struct{}{}:
	default:
	}
}

// drain closes each connection once no request is under way on it, and returns
// when none is on any, or after the limit.
func (c *connections) drain(limit time.Duration) {
	c.mu.Lock()
	c.stopping = true
	for conn, busy := range c.busy {
		if !busy {
			conn.Close()
		}
	}
	c.mu.Unlock()
	for timeout := time.After(limit); c.anyBusy(); {
		select {
		case <-c.ended:
		case <-timeout:
			return
		}
	}
}

func (c *connections) anyBusy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, busy := range c.busy {
		if busy {
			return true
		}
	}
	return false
}
