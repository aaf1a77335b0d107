package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// counted is what is counted of the requests to one route that were answered
// with one status.
type counted struct {
	requests       int64
	took           time.Duration
	received, sent int64
}

// series names what is counted together. There are no more than routes times
// statuses; no tenant, file or batch is a label.
type series struct {
	route  string
	status int
}

// counters count requests since the server's start.
type counters struct {
	mu   sync.Mutex
	kept map[series]counted
}

func (c *counters) add(served Served) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[series]counted{}
	}
	key := series{cmp.Or(served.Route, "other"), served.Status}
	now := c.kept[key]
	now.requests++
	now.took += served.Took
	now.received += served.Received
	now.sent += served.Sent
	c.kept[key] = now
}

// metrics serves the counters in Prometheus' text format.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.counters.mu.Lock()
	kept := maps.Clone(s.counters.kept)
	s.counters.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(kept), func(a, b series) int {
		return cmp.Or(strings.Compare(a.route, b.route), a.status-b.status)
	})
	for _, metric := range []struct {
		name, help string
		value      func(counted) float64
	}{
		{"nightshift_gateway_requests_total", "Requests that were answered.", func(c counted) float64 { return float64(c.requests) }},
		{"nightshift_gateway_request_seconds_total", "Time from a request's head to the end of its answer.", func(c counted) float64 { return c.took.Seconds() }},
		{"nightshift_gateway_received_bytes_total", "Bytes of requests' bodies.", func(c counted) float64 { return float64(c.received) }},
		{"nightshift_gateway_sent_bytes_total", "Bytes of answers.", func(c counted) float64 { return float64(c.sent) }},
	} {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s counter\n", metric.name, metric.help)
		for _, key := range keys {
			fmt.Fprintf(w, "%s{route=%q,status=\"%d\"} %g\n", metric.name, key.route, key.status, metric.value(kept[key]))
		}
	}
	fmt.Fprintf(w, "# HELP nightshift_gateway_uploads_open Bodies of files that are being taken in.\n# TYPE nightshift_gateway_uploads_open gauge\nnightshift_gateway_uploads_open %d\n", len(s.uploads))
}
