package sim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is when and how a request ended.
type outcome struct {
	status int
	after  time.Duration
}

// load sends n requests at once and returns how each ended, sorted.
func load(t *testing.T, c *Cloud, key string, n int) []outcome {
	t.Helper()
	start := time.Now()
	outcomes := make([]outcome, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			w := ask(t, c, "POST", "/v1/chat/completions", chat(key, fmt.Sprint(i)))
			outcomes[i] = outcome{w.Code, time.Since(start).Round(time.Millisecond)}
		})
	}
	group.Wait()
	slices.SortFunc(outcomes, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(a.status, b.status))
	})
	return outcomes
}

// second is a model whose every answer takes a second at full speed.
func second(m Model) Options {
	m.TimeToFirstToken, m.TokenInterval = 100*time.Millisecond, 100*time.Millisecond
	return Options{Model: m, AnswerTokens: Range{10, 10}, WarmUp: None}
}

func TestServe_SpreadsQueuesAndRefuses(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := []struct {
		name     string
		model    Model
		replicas int
		requests int
		want     map[outcome]int
	}{
		{"one at full speed", Model{}, 1, 1, map[outcome]int{{200, 1000 * ms}: 1}},
		{"no knee", Model{}, 1, 9, map[outcome]int{{200, 1000 * ms}: 9}},
		{"twice the knee", Model{Knee: 2}, 1, 4, map[outcome]int{{200, 2000 * ms}: 4}},
		{"two replicas", Model{Knee: 2}, 2, 4, map[outcome]int{{200, 1000 * ms}: 4}},
		{"queues", Model{MaxStreams: 2}, 1, 5, map[outcome]int{{200, 1000 * ms}: 2, {200, 2000 * ms}: 2, {200, 3000 * ms}: 1}},
		{"queue full", Model{MaxStreams: 1, QueueLimit: 1}, 1, 4,
			map[outcome]int{{200, 1000 * ms}: 1, {200, 2000 * ms}: 1, {503, 0}: 2}},
		{"queue of two replicas", Model{MaxStreams: 1, QueueLimit: 1, BusyStatus: 429}, 2, 5,
			map[outcome]int{{200, 1000 * ms}: 2, {200, 2000 * ms}: 2, {429, 0}: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := New(second(tt.model))
				e := create(t, c, scaled(fmt.Sprintf(`{"min_replicas": %d, "max_replicas": %[1]d}`, tt.replicas)))
				got := map[outcome]int{}
				for _, o := range load(t, c, e.RoutingKey, tt.requests) {
					got[o]++
				}
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				ledger := c.Ledger()
				equal(t, "received", ledger.Data.Received, int64(tt.requests))
				equal(t, "in flight at most", int64(ledger.Entries[0].MaxInFlight), ledger.Total.Answered)
				equal(t, "in flight", ledger.Data.InFlight, 0)
				equal(t, "answered", ledger.Total.Answered, ledger.Data.Statuses[200])
				equal(t, "work", ledger.Entries[0].WorkSeconds, float64(ledger.Total.Answered))
			})
		})
	}
}

func TestServe_GoneClientFreesItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(second(Model{MaxStreams: 1}))
		key := create(t, c, minimalCreate).RoutingKey
		send := func(ctx context.Context, prompt string) <-chan int {
			status := make(chan int, 1)
			go func() {
				request := httptest.NewRequestWithContext(ctx, "POST", "/v1/chat/completions", strings.NewReader(chat(key, prompt)))
				request.Header.Set("Authorization", "Bearer secret")
				w := httptest.NewRecorder()
				c.ServeHTTP(w, request)
				status <- w.Code
			}()
			synctest.Wait()
			return status
		}
		active, leaveActive := context.WithCancel(t.Context())
		queued, leaveQueued := context.WithCancel(t.Context())
		first, second, third := send(active, "first"), send(queued, "second"), send(t.Context(), "third")

		start := time.Now()
		pass(400 * time.Millisecond)
		leaveQueued()
		equal(t, "second", <-second, statusClientGone)
		leaveActive()
		equal(t, "first", <-first, statusClientGone)
		equal(t, "third", <-third, http.StatusOK)
		equal(t, "third took", time.Since(start), 1400*time.Millisecond)

		data := c.Ledger().Data
		equal(t, "gone", data.Statuses[statusClientGone], 2)
		equal(t, "in flight", data.InFlight, 0)
	})
}

// TestServe_FollowsLoad has load for thirty replicas arrive at one of at most
// three, and then cease.
func TestServe_FollowsLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := second(Model{Knee: 2, MaxStreams: 2})
		o.WarmUp = 8 * time.Second
		c := New(o)
		key := create(t, c, scaled(`{"min_replicas": 1, "max_replicas": 3}`)).RoutingKey
		pass(8 * time.Second)
		equal(t, "idle", deployment(t, c), nebiusDeployment{1, "running", "ready"})

		var group sync.WaitGroup
		group.Go(func() { load(t, c, key, 60) })
		pass(7900 * time.Millisecond)
		equal(t, "ordered", deployment(t, c), nebiusDeployment{1, "running", "ready"})
		pass(200 * time.Millisecond)
		equal(t, "second arrives", deployment(t, c), nebiusDeployment{2, "running", "ready"})
		pass(2 * time.Second)
		equal(t, "third arrives", deployment(t, c), nebiusDeployment{3, "running", "ready"})
		group.Wait()
		pass(time.Second)
		equal(t, "just idle", deployment(t, c), nebiusDeployment{3, "running", "ready"})
		pass(time.Minute)
		equal(t, "long idle", deployment(t, c), nebiusDeployment{1, "running", "ready"})
	})
}

func TestServe_DrainFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		drain time.Duration
		want  outcome
	}{
		{"long enough", time.Second, outcome{200, time.Second}},
		{"too short", 300 * time.Millisecond, outcome{404, 800 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := second(Model{MaxStreams: 1})
				o.Drain = tt.drain
				c := New(o)
				e := create(t, c, minimalCreate)
				var got []outcome
				var group sync.WaitGroup
				group.Go(func() { got = load(t, c, e.RoutingKey, 2) })
				pass(500 * time.Millisecond)
				ask(t, c, "DELETE", endpointsPath+"/"+e.ID, "")
				late := ask(t, c, "POST", "/v1/chat/completions", chat(e.RoutingKey, "late"))
				equal(t, "new request", late.Code, http.StatusNotFound)
				group.Wait()
				equal(t, "queued", got[0], outcome{404, 500 * time.Millisecond})
				equal(t, "in flight", got[1], tt.want)
				equal(t, "replica-seconds", c.Ledger().Total.ReplicaSeconds, 0.5)
			})
		})
	}
}

func TestCloud_CloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(second(Model{MaxStreams: 1}))
		key := create(t, c, minimalCreate).RoutingKey
		var got []outcome
		var group sync.WaitGroup
		group.Go(func() { got = load(t, c, key, 2) })
		synctest.Wait()
		c.Close()
		c.Close()
		group.Wait()
		equal(t, "active", got[0], outcome{503, 0})
		equal(t, "queued", got[1], outcome{503, 0})
		equal(t, "later", ask(t, c, "GET", endpointsPath, "").Code, http.StatusServiceUnavailable)
		equal(t, "still on the ledger", len(c.Ledger().Running()), 1)
	})
}
