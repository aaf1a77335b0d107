package sim

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// behaviour is what a kind of fault does at the three moments of a call. Each
// may be nil.
type behaviour struct {
	// before runs ahead of the operation. If it returns true, its reply is
	// given and the operation is not performed.
	before func(*call, Fault) (reply, bool)

	// after replaces the reply of the operation.
	after func(*call, Fault, reply) reply

	// send delivers the reply in place of reply.send.
	send func(*call, Fault, reply)
}

// behaviours is every kind of fault. To add one, add a line.
var behaviours = map[Kind]behaviour{
	Status:     {before: refuse},
	RetryAfter: {before: refuse},
	Capacity:   {before: refuseForCapacity},
	Busy:       {before: refuseWhileStarting},
	HTML:       {before: answerPage},
	CutBefore:  {before: answerNothing, send: cut},
	Hang:       {before: hang, send: cut},

	LostReply:     {send: cut},
	CutBody:       {send: cutBody},
	TruncatedJSON: {after: truncate},
	EmptyChoices:  {after: emptyList},
	ContentType:   {after: relabel},
	Slow:          {before: wait},
	Trickle:       {send: trickle},
	LateCreate:    {before: postpone, after: refuseAfter},

	UnknownState: {before: showUnknown},
	ErrorState:   {before: showFailed},
	Fail:         {before: crash(Failed)},
	Vanish:       {before: crash(Gone)},
}

// perform runs an operation under a fault, up to its reply.
func (b behaviour) perform(x *call, f Fault, operate operation) reply {
	if b.before != nil {
		if r, instead := b.before(x, f); instead {
			return r
		}
	}
	r := operate(x)
	if b.after != nil {
		r = b.after(x, f, r)
	}
	return r
}

func refuse(x *call, f Fault) (reply, bool) {
	return refusal(x, f, refusalStatus[f.Kind], "simulated fault: "+string(f.Kind)), true
}

func refuseForCapacity(x *call, f Fault) (reply, bool) {
	return refusal(x, f, x.plane.capacityStatus, x.plane.capacityMessage), true
}

// refusal is an error in the plane's own shape, as far as the fault does not
// say otherwise.
func refusal(x *call, f Fault, status int, message string) reply {
	if f.Status != 0 {
		status = f.Status
	}
	r := x.plane.refuse(status, message)
	if f.Body != "" {
		r.body = []byte(f.Body)
	}
	if f.Kind == RetryAfter && f.RetryAfter == 0 {
		f.RetryAfter = time.Second
	}
	if f.RetryAfter > 0 {
		r.retryAfter = strconv.Itoa(int((f.RetryAfter + time.Second - 1) / time.Second))
	}
	return r
}

func refuseWhileStarting(x *call, f Fault) (reply, bool) {
	if x.r.Method == http.MethodGet || x.endpoint == nil || x.endpoint.look("").state != Starting {
		return reply{}, false
	}
	return refuse(x, f)
}

func refuseAfter(x *call, f Fault, _ reply) reply {
	r, _ := refuse(x, f)
	return r
}

func answerPage(*call, Fault) (reply, bool) {
	page := "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to continue.</body></html>\n"
	return reply{status: http.StatusOK, contentType: "text/html; charset=utf-8", body: []byte(page)}, true
}

func answerNothing(*call, Fault) (reply, bool) { return reply{}, true }

func hang(x *call, f Fault) (reply, bool) {
	if f.Delay == 0 {
		f.Delay = math.MaxInt64
	}
	x.waitForClient(f.Delay)
	return reply{}, true
}

// wait goes on when the client has gone away: that is how a call that timed
// out takes effect afterwards.
func wait(x *call, f Fault) (reply, bool) {
	x.wait(f.Delay)
	return reply{}, false
}

func postpone(x *call, f Fault) (reply, bool) {
	x.late = max(f.Delay, 1)
	return reply{}, false
}

func showUnknown(x *call, f Fault) (reply, bool) {
	x.shown = "hibernating"
	if f.Body != "" {
		x.shown = State(f.Body)
	}
	return reply{}, false
}

func showFailed(x *call, _ Fault) (reply, bool) {
	x.shown = Failed
	return reply{}, false
}

func crash(left State) func(*call, Fault) (reply, bool) {
	return func(x *call, _ Fault) (reply, bool) {
		struck := []*endpoint{x.endpoint}
		if x.endpoint == nil {
			struck = x.cloud.all()
		}
		for _, e := range struck {
			e.crash(left)
		}
		return reply{}, false
	}
}

func truncate(_ *call, _ Fault, r reply) reply {
	r.body = r.body[:len(r.body)/2]
	return r
}

func emptyList(_ *call, _ Fault, r reply) reply {
	r.body = []byte(`{"object":"list","data":[],"choices":[],"output":[]}`)
	return r
}

func relabel(_ *call, f Fault, r reply) reply {
	r.contentType = "text/plain; charset=utf-8"
	if f.Body != "" {
		r.contentType = f.Body
	}
	return r
}

// cut ends the connection without another byte.
func cut(*call, Fault, reply) { panic(http.ErrAbortHandler) }

func cutBody(x *call, _ Fault, r reply) {
	r.sendHeader(x)
	x.write(r.body[:len(r.body)/2])
	x.flush()
	panic(http.ErrAbortHandler)
}

func trickle(x *call, f Fault, r reply) {
	const pieces = 16
	r.sendHeader(x)
	for i := range pieces {
		x.write(r.body[i*len(r.body)/pieces : (i+1)*len(r.body)/pieces])
		x.flush()
		if i < pieces-1 && !x.waitForClient(f.Delay) {
			panic(http.ErrAbortHandler)
		}
	}
}
