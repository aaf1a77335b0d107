package sim

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// plane is a set of operations that speak alike: one provider's control plane,
// or the data plane.
type plane struct {
	name  string
	group string // AnyControl or AnyData

	// refuse makes an error reply in the plane's shape.
	refuse func(status int, message string) reply

	// prepare reads from the request which endpoint it concerns, before any
	// fault strikes; it may leave that open.
	prepare func(*call)

	// The plane's words for having no GPUs left.
	capacityStatus  int
	capacityMessage string
}

// operation is what a call does when no fault prevents it.
type operation func(*call) reply

// call is one request on its way through a plane. It is used again for later
// requests, with its buffers.
type call struct {
	cloud *Cloud
	plane *plane
	op    string
	w     http.ResponseWriter
	r     *http.Request
	in    bytes.Buffer // the request's body
	out   []byte       // for a reply's body, if its operation likes

	request  request   // data plane: what the body says
	endpoint *endpoint // the one concerned, or nil
	unrouted bool      // data plane: the model is known, but leads to no endpoint
	shown    State     // a fault's: show this state instead of the true one
	late     time.Duration
	status   int // sent; 0 while nothing was
}

// reply is an answer that is not yet sent, so that a fault can alter it.
type reply struct {
	status      int
	contentType string // "" is application/json
	retryAfter  string
	body        []byte
}

// bufferLimit is the largest buffer that a call keeps for the next.
const bufferLimit = 1 << 20

func (x *call) release() {
	pool := &x.cloud.pool
	if x.in.Cap() > bufferLimit || cap(x.out) > bufferLimit {
		return
	}
	x.in.Reset()
	*x = call{in: x.in, out: x.out[:0]}
	pool.Put(x)
}

// run takes a call through: token, body, fault, operation, reply.
func (x *call) run(operate operation) {
	if !x.cloud.admits(x.r) && !x.cloud.asksNoToken(x.plane) {
		x.plane.refuse(http.StatusUnauthorized, "invalid or missing bearer token").send(x)
		return
	}
	if status := x.readBody(); status != 0 {
		x.plane.refuse(status, "request body: "+http.StatusText(status)).send(x)
		return
	}
	x.plane.prepare(x)
	fault, struck := x.cloud.faults.next(x.op, x.plane.group)
	if !struck {
		operate(x).send(x)
		return
	}
	x.cloud.log.Info("fault strikes", "plane", x.plane.name, "operation", x.op, "kind", fault.Kind)
	b := behaviours[fault.Kind]
	r := b.perform(x, fault, operate)
	if b.send != nil {
		b.send(x, fault, r)
	} else {
		r.send(x)
	}
}

// statusClientGone counts requests whose client went away before the answer,
// with the number that nginx made known.
const statusClientGone = 499

// readBody returns 0, or the status to refuse the request with.
func (x *call) readBody() int {
	if x.r.ContentLength == 0 {
		return 0
	}
	_, err := x.in.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, x.cloud.options.BodyLimit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return statusClientGone
	}
	return 0
}

var jsonType = []string{"application/json"}

func (r reply) send(x *call) {
	r.sendHeader(x)
	x.write(r.body)
}

func (r reply) sendHeader(x *call) {
	header := x.w.Header()
	if r.retryAfter != "" {
		header["Retry-After"] = []string{r.retryAfter}
	}
	header["X-Request-Id"] = []string{x.cloud.requestID()}
	if r.status != http.StatusNoContent {
		header["Content-Type"] = jsonType
		header["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	}
	if r.contentType != "" {
		header["Content-Type"] = []string{r.contentType}
	}
	x.w.WriteHeader(r.status)
	x.status = r.status
}

// write sends a piece of a body. That the client has gone away is no news to
// anybody here.
func (x *call) write(piece []byte) { _, _ = x.w.Write(piece) }

// flush puts what was written so far on the wire.
func (x *call) flush() { _ = http.NewResponseController(x.w).Flush() }

// wait waits for d, or until the cloud is closed.
func (x *call) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.cloud.closed:
	}
}

// waitForClient waits for d and returns true, or false as soon as the client
// goes away or the cloud is closed.
func (x *call) waitForClient(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
	case <-x.cloud.closed:
	}
	return false
}
