package sim

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBodySet_SaysWhenItOverflowed(t *testing.T) {
	t.Parallel()
	b := newBodySet(2)
	add := func(prefix, model, suffix string) Traffic {
		b.add([]byte(prefix+model+suffix), span{len(prefix), len(prefix) + len(model)})
		var got Traffic
		b.read(&got)
		return got
	}
	equal(t, "first", fmt.Sprint(add("a", "m", "b")), fmt.Sprint(Traffic{DistinctBodies: 1}))
	equal(t, "other model", fmt.Sprint(add("a", "other", "b")), fmt.Sprint(Traffic{DistinctBodies: 1, RepeatedBodies: 1}))
	equal(t, "second", fmt.Sprint(add("a", "m", "c")), fmt.Sprint(Traffic{DistinctBodies: 2, RepeatedBodies: 1}))
	equal(t, "third", fmt.Sprint(add("a", "m", "d")), fmt.Sprint(Traffic{DistinctBodies: 2, RepeatedBodies: 1, Overflowed: true}))
	equal(t, "first again", add("a", "m", "b").RepeatedBodies, 2)
}

// TestCloud_ConcurrentUse has everything happen at once, for the race detector
// and for the sums to come out.
func TestCloud_ConcurrentUse(t *testing.T) {
	t.Parallel()
	c := New(Options{
		WarmUp: time.Millisecond, Drain: None, AnswerTokens: Range{1, 9},
		Model: Model{TokenInterval: 100 * time.Microsecond, Knee: 2, MaxStreams: 4, QueueLimit: 4},
	})
	server := httptest.NewServer(c)
	defer server.Close()
	c.Inject(Fault{Op: AnyData, Kind: LostReply, Every: 17})
	c.Inject(Fault{Op: AnyData, Kind: Fail, Every: 101})

	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for round := range 20 {
				e := create(t, c, scaled(`{"min_replicas": 1, "max_replicas": 4}`))
				path := endpointsPath + "/" + e.ID
				for n := range 10 {
					prompt := fmt.Sprint(i, round, n)
					observe(t, server, "POST", "/v1/chat/completions", chat(e.RoutingKey, prompt), time.Minute)
				}
				ask(t, c, "PATCH", path, `{"enabled": false, "scaling": {"min_replicas": 2, "max_replicas": 2}}`)
				ask(t, c, "PATCH", path, `{"enabled": true}`)
				list(t, c)
				ask(t, c, "DELETE", path, "")
			}
		})
	}
	group.Wait()

	ledger := c.Ledger()
	var answered, sum int64
	for _, n := range ledger.Data.Statuses {
		sum += n
	}
	for _, e := range c.all() {
		answered += e.use.answered
		equal(t, "in flight at "+e.id, e.use.inFlight, 0)
	}
	equal(t, "received", ledger.Data.Received, 8*20*10)
	equal(t, "statuses", sum, ledger.Data.Received)
	equal(t, "in flight", ledger.Data.InFlight, 0)
	equal(t, "answered", ledger.Total.Answered, answered)
	equal(t, "bodies", ledger.Data.DistinctBodies+ledger.Data.RepeatedBodies, answered)
	equal(t, "running", len(ledger.Running()), 0)
}

// BenchmarkChatOverHTTP is 256 requests in flight over loopback, client and
// server in one process: without simulated time, and with 50 ms an answer,
// where 5,120 requests/s is the most that can be.
func BenchmarkChatOverHTTP(b *testing.B) {
	for _, took := range []time.Duration{0, 50 * time.Millisecond} {
		b.Run(took.String(), func(b *testing.B) {
			c := New(Options{WarmUp: None, AnswerTokens: Range{64, 64}, Model: Model{TimeToFirstToken: took}})
			server := httptest.NewServer(c)
			defer server.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: 256}
			defer transport.CloseIdleConnections()
			body := []byte(chat(create(b, c, minimalCreate).RoutingKey, strings.Repeat("Summarise it. ", 43)))
			b.SetParallelism(128)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					request, _ := http.NewRequest("POST", server.URL+"/v1/chat/completions", bytes.NewReader(body))
					request.Header.Set("Authorization", "Bearer secret")
					response, err := transport.RoundTrip(request)
					if err != nil || response.StatusCode != http.StatusOK {
						b.Errorf("%v %v", response, err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}
