package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// Health knows whether a worker process does its work, and tells supervisors
// over HTTP:
//
//   - GET /livez answers 200 as long as the process can answer at all.
//   - GET /readyz answers 200 when the process asks for work of each of its task
//     queues and Temporal answers, else 503 with what is missing.
//
// A worker that is not ready needs no restart: it goes on by itself when
// Temporal is back. Its methods may be called from several goroutines.
type Health struct {
	mu     sync.Mutex
	queues []string // that must be polled; empty before Run has started its workers
	polls  map[string]poll
	reach  func(context.Context) error
}

// poll is the state of the polls of one task queue.
type poll struct {
	open int       // under way
	last time.Time // when one ended last without an error
}

const (
	// pollGap is how long a queue may be without an open poll: from one to the
	// next it takes milliseconds, after an error seconds.
	pollGap = 5 * time.Second
	// reachTimeout bounds the question whether Temporal answers.
	reachTimeout = 3 * time.Second
)

// NewHealth returns the state of a process that is starting.
func NewHealth() *Health { return &Health{polls: map[string]poll{}} }

// Observe watches the polls of the client that is made with these options,
// which must be the one that Run is given.
func (h *Health) Observe(o *client.Options) {
	o.ConnectionOptions.DialOptions = append(slices.Clone(o.ConnectionOptions.DialOptions), grpc.WithChainUnaryInterceptor(h.intercept))
}

// poller is a request for work.
type poller interface{ GetTaskQueue() *taskqueue.TaskQueue }

func (h *Health) intercept(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	asking, ok := request.(poller)
	isPoll := ok && strings.Contains(method, "/Poll") && asking.GetTaskQueue().GetKind() != enumspb.TASK_QUEUE_KIND_STICKY
	if !isPoll {
		return invoke(ctx, method, request, reply, cc, opts...)
	}
	queue := asking.GetTaskQueue().GetName()
	h.count(queue, 1, nil)
	err := invoke(ctx, method, request, reply, cc, opts...)
	h.count(queue, -1, err)
	return err
}

func (h *Health) count(queue string, change int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	state := h.polls[queue]
	state.open += change
	if change < 0 && err == nil {
		state.last = time.Now()
	}
	h.polls[queue] = state
}

// expect says what a ready process does. A nil Health is not asked by anybody.
func (h *Health) expect(queues []string, reach func(context.Context) error) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queues, h.reach = queues, reach
}

// Ready returns nil if the process asks for work and Temporal answers, else
// everything that is missing.
func (h *Health) Ready(ctx context.Context) error {
	h.mu.Lock()
	var missing []error
	for _, queue := range h.queues {
		if state := h.polls[queue]; state.open == 0 && time.Since(state.last) > pollGap {
			missing = append(missing, fmt.Errorf("task queue %s is not polled", queue))
		}
	}
	working, reach := len(h.queues) > 0, h.reach
	h.mu.Unlock()
	if !working {
		return errors.New("starting or stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if err := reach(ctx); err != nil {
		missing = append(missing, fmt.Errorf("no answer from Temporal: %w", err))
	}
	return errors.Join(missing...)
}

// ServeHTTP implements http.Handler.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/livez":
		_, _ = io.WriteString(w, "ok\n")
	case "/readyz":
		if err := h.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	default:
		http.NotFound(w, r)
	}
}
