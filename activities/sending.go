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
	memory   []byte // for answers; a sender's own
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

// size is what the request takes of memoryForBodies.
func (s *sending) size() int64 { return min(int64(len(s.body))+bodyOverhead, memoryForBodies) }

// run sends until there is a result; the first slot is the caller's, who has one
// afterwards if kept is true. When taking ends first, the request is left to the
// next attempt at the shard; cut ends even the request in flight. An error is a
// reason to end the whole shard. Waiting holds no slot.
func (s *sending) run(taking, cut context.Context) (kept bool, failure error) {
	limiter := s.shard.target.limiter
	for {
		began := time.Now()
		span := s.shard.Targets.Tracer.Request(cut, s.shard.call.Address.Provider, s.shard.call.Model)
		answer, err := s.once(cut, began, span.Header())
		if cut.Err() != nil {
			limiter.Release(pace.Outcome{Kind: pace.Abandoned})
			span.Abandon()
			return false, nil
		}
		class, took := chat.ClassOf(err), time.Since(began)
		kept = limiter.Keep(outcomeOf(class, answer, err, took))
		finished, failure := s.judge(class, answer, err)
		s.shard.parts.measured.Add(tryOf(class, finished, began, took, s.usage))
		try := telemetry.Try{Class: string(class), Status: answer.Status, Took: took, Sent: len(s.body), Received: len(answer.Body)}
		s.shard.target.metrics.Tried(try)
		span.End(try, s.failures+1, s.usage.InputTokens, s.usage.OutputTokens)
		if finished || failure != nil {
			return kept, failure
		}
		if kept {
			limiter.Release(pace.Outcome{Kind: pace.Abandoned})
		}
		s.failures++
		if class != chat.Throttled && !pause(taking, retryPause(s.failures)) {
			return false, nil
		}
		if limiter.Acquire(taking) != nil {
			return false, nil
		}
	}
}

// maxMemory is how large an answer's memory may be to be used for the next one.
const maxMemory = 64 << 10

func (s *sending) once(ctx context.Context, began time.Time, traceparent string) (chat.Answer, error) {
	s.shard.inFlight.Add(1)
	defer s.shard.inFlight.Add(-1)
	s.shard.firstSent.CompareAndSwap(0, began.UnixNano())
	if s.shard.call.Requests.Hedge {
		return s.shard.hedging.race(ctx, s.shard.target.limiter, func(ctx context.Context, memory []byte) (chat.Answer, error) {
			return s.post(ctx, memory, traceparent)
		})
	}
	answer, err := s.post(ctx, s.memory, traceparent)
	if s.memory = answer.Body; cap(s.memory) > maxMemory {
		s.memory = nil
	}
	return answer, err
}

// post sends the request, and has the answer's body put into memory that is given.
func (s *sending) post(ctx context.Context, memory []byte, traceparent string) (chat.Answer, error) {
	return s.shard.target.Post(ctx, chat.Request{
		URL: s.url, Body: s.body, Limit: s.shard.call.Requests.Timeout.Std(), Into: memory, Traceparent: traceparent,
	})
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
			Code: errorCode(answer, err), Message: fmt.Sprintf("%v; attempts: %d", err, s.attempts),
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
