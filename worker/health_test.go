package worker

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
)

const pollMethod = "/temporal.api.workflowservice.v1.WorkflowService/PollActivityTaskQueue"

// pollOnce lets one poll of a queue through to invoke, as the client would.
func (h *Health) pollOnce(queue *taskqueue.TaskQueue, invoke func() error) {
	request := &workflowservice.PollActivityTaskQueueRequest{TaskQueue: queue}
	_ = h.intercept(context.Background(), pollMethod, request, nil, nil,
		func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return invoke() })
}

func reached(context.Context) error { return nil }

func TestHealth_Ready(t *testing.T) {
	t.Parallel()
	data := &taskqueue.TaskQueue{Name: "data"}
	sticky := &taskqueue.TaskQueue{Name: "data", Kind: enumspb.TASK_QUEUE_KIND_STICKY}
	nothing := func() error { return nil }
	refused := func() error { return errors.New("unavailable") }
	tests := []struct {
		name string
		do   func(h *Health)
		want string // empty is ready
	}{
		{"before the workers start", func(*Health) {}, "starting"},
		{"never polled", func(h *Health) { h.expect([]string{"data"}, reached) }, "data is not polled"},
		{"polled", func(h *Health) {
			h.expect([]string{"data"}, reached)
			h.pollOnce(data, nothing)
		}, ""},
		{"polled long ago", func(h *Health) {
			h.expect([]string{"data"}, reached)
			h.pollOnce(data, nothing)
			time.Sleep(pollGap + time.Second)
		}, "data is not polled"},
		{"polls fail", func(h *Health) {
			h.expect([]string{"data"}, reached)
			h.pollOnce(data, refused)
		}, "data is not polled"},
		{"only its sticky queue is polled", func(h *Health) {
			h.expect([]string{"data"}, reached)
			h.pollOnce(sticky, nothing)
		}, "data is not polled"},
		{"one queue of two", func(h *Health) {
			h.expect([]string{"data", "batches"}, reached)
			h.pollOnce(data, nothing)
		}, "batches is not polled"},
		{"Temporal does not answer", func(h *Health) {
			h.expect([]string{"data"}, func(context.Context) error { return errors.New("no database") })
			h.pollOnce(data, nothing)
		}, "no database"},
		{"Temporal is silent", func(h *Health) {
			h.expect([]string{"data"}, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			h.pollOnce(data, nothing)
		}, "deadline exceeded"},
		{"stopping", func(h *Health) {
			h.expect([]string{"data"}, reached)
			h.pollOnce(data, nothing)
			h.expect(nil, nil)
		}, "stopping"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := NewHealth()
				test.do(h)
				status, text := ask(h, "/readyz")
				if test.want == "" && status != http.StatusOK || test.want != "" && status != http.StatusServiceUnavailable {
					t.Errorf("status %d: %s", status, text)
				}
				if !strings.Contains(text, test.want) {
					t.Errorf("says %q, want %q", text, test.want)
				}
				if status, _ := ask(h, "/livez"); status != http.StatusOK {
					t.Errorf("alive: status %d", status)
				}
			})
		})
	}
}

// TestHealth_ReadyDuringLongPoll: most of the time a poll is under way, however
// long ago the last one ended.
func TestHealth_ReadyDuringLongPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHealth()
		h.expect([]string{"data"}, reached)
		h.pollOnce(&taskqueue.TaskQueue{Name: "data"}, func() error {
			time.Sleep(time.Minute)
			if err := h.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			return nil
		})
	})
}

func ask(h *Health, path string) (status int, text string) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}
