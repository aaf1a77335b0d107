package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nightshift-run/nightshift/internal/batchfile"
	"github.com/nightshift-run/nightshift/internal/chat"
	"github.com/nightshift-run/nightshift/internal/pace"
	"github.com/nightshift-run/nightshift/internal/telemetry"
	"github.com/nightshift-run/nightshift/jobs"
)

// goneFor is how long an endpoint must look gone before a shard gives it up:
// routes take tens of seconds to follow a change of replicas.
const goneFor = 20 * time.Second

// The pause before a failed request is sent again doubles from the first to
// the last of these.
const (
	firstRetryPause = 250 * time.Millisecond
	lastRetryPause  = 20 * time.Second
)

// sending is one request on its way to a result.
type sending struct {
	shard    *shardRun
	url      string
	customID []byte
	body     []byte
	index    int64
	sum      uint64 // batchfile.RequestSum
	attempts int    // that count against the limit
	failures int    // of all kinds, for the length of the next pause
	usage    batchfile.Usage
}

// newSending copies what it needs of the request, whose memory is the
// scanner's.
func newSending(shard *shardRun, request batchfile.Request, index int64) *sending {
	model := shard.call.Address.Model
	kept := make([]byte, 0, len(request.CustomID)+len(request.Body)+len(model)+32)
	kept = append(kept, request.CustomID...)
	id := len(kept)
	if len(shard.call.Requests.Defaults) == 0 {
		kept = request.AppendBody(kept, model)
	} else {
		kept = shard.defaults.Append(kept, request.AppendBody(nil, model))
	}
	return &sending{
		shard: shard, url: request.URL, index: index, customID: kept[:id:id], body: kept[id:],
		sum: batchfile.RequestSum(request.URL, request.Body),
	}
}

// run sends until there is a result; the first slot is the caller's. When taking
// ends first, the request is left to the next attempt at the shard; cut ends
// even the request in flight. An error is a reason to end the whole shard.
// Waiting holds no slot.
func (s *sending) run(taking, cut context.Context) error {
	limiter := s.shard.target.limiter
	for {
		began := time.Now()
		span := s.shard.Targets.Tracer.Request(cut, s.shard.call.Address.Provider, s.shard.call.Model)
		answer, err := s.once(cut, span.Header())
		if cut.Err() != nil {
			limiter.Release(pace.Outcome{Kind: pace.Abandoned})
			span.Abandon()
			return nil
		}
		class, took := chat.ClassOf(err), time.Since(began)
		limiter.Release(outcomeOf(class, answer, err, took))
		finished, failure := s.judge(class, answer, err)
		s.shard.parts.measured.Add(tryOf(class, finished, began, took, s.usage))
		try := telemetry.Try{Class: string(class), Status: answer.Status, Took: took, Sent: len(s.body), Received: len(answer.Body)}
		s.shard.target.metrics.Tried(try)
		span.End(try, s.failures+1, s.usage.InputTokens, s.usage.OutputTokens)
		if finished || failure != nil {
			return failure
		}
		s.failures++
		if class != chat.Throttled && !pause(taking, retryPause(s.failures)) {
			return nil
		}
		if limiter.Acquire(taking) != nil {
			return nil
		}
	}
}

func (s *sending) once(ctx context.Context, traceparent string) (chat.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.shard.call.Requests.Timeout.Std())
	defer cancel()
	s.shard.inFlight.Add(1)
	defer s.shard.inFlight.Add(-1)
	s.shard.firstSent.CompareAndSwap(0, time.Now().UnixNano())
	send := func(ctx context.Context) (chat.Answer, error) {
		return s.shard.target.SendTraced(ctx, s.url, s.body, traceparent)
	}
	if s.shard.call.Requests.Hedge {
		return s.shard.hedging.race(ctx, s.shard.target.limiter, send)
	}
	return send(ctx)
}

// judge writes the result down if this was the last word on the request.
func (s *sending) judge(class chat.Class, answer chat.Answer, err error) (finished bool, failure error) {
	switch class {
	case chat.OK, chat.Refused:
		s.shard.target.answered()
		s.finish(answer, nil)
		return true, nil
	case chat.Throttled:
		s.shard.target.answered()
		return false, nil
	case chat.Gone:
		if s.shard.target.missed() >= goneFor {
			return false, final(jobs.EndpointLost, fmt.Sprintf("the endpoint has not answered for %s: %v", goneFor, err))
		}
		return false, nil
	case chat.Misconfigured:
		return false, final(jobs.Unauthorized, fmt.Sprintf("the endpoint refuses every request like this: %v", err))
	}
	s.attempts++
	if s.attempts < s.shard.call.Requests.Attempts {
		return false, nil
	}
	s.finish(answer, err)
	return true, nil
}

// finish records the result: the server's answer where it gave one that can be
// used, else what went wrong.
func (s *sending) finish(answer chat.Answer, err error) {
	s.shard.lastAnswer.Store(time.Now().UnixNano())
	result := batchfile.Result{
		Index: s.index, CustomID: s.customID, Status: answer.Status, RequestID: answer.RequestID, Body: answer.Body,
		Sound: err == nil && answer.Status < 300, Usage: batchfile.Usage(answer.Usage),
	}
	if err != nil && answer.Status < 400 {
		result = batchfile.Result{Index: s.index, CustomID: s.customID, Error: &batchfile.ResultError{
			Code: errorCode(answer, err), Message: fmt.Sprintf("%v, after %d attempts", err, s.attempts),
		}}
	}
	s.usage = s.shard.parts.add(result, s.sum)
}

// codeInvalidResponse is the error code of a request whose every answer came
// with status 2xx and made no sense.
const codeInvalidResponse = "invalid_response"

func errorCode(answer chat.Answer, err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return batchfile.CodeRequestTimeout
	case answer.Status != 0:
		return codeInvalidResponse
	}
	return batchfile.CodeConnectionError
}

func outcomeOf(class chat.Class, answer chat.Answer, err error, took time.Duration) pace.Outcome {
	outcome := pace.Outcome{Latency: took}
	switch class {
	case chat.Refused, chat.Gone: // a quick no says nothing about the endpoint's speed
		outcome.Kind = pace.Abandoned
	case chat.OK:
		outcome.Kind = pace.OK
		outcome.Tokens = answer.Usage.InputTokens + answer.Usage.OutputTokens
	case chat.Throttled:
		outcome.Kind = pace.Throttled
		if told, ok := errors.AsType[*chat.Error](err); ok {
			outcome.RetryAfter = told.RetryAfter
		}
	default:
		outcome.Kind = pace.Failed
	}
	return outcome
}

// retryPause doubles with each failure and is jittered, so that requests that
// failed together do not come back together.
func retryPause(failures int) time.Duration {
	wait := min(firstRetryPause<<min(failures-1, 10), lastRetryPause)
	return wait/2 + rand.N(wait/2)
}
