package chat

import (
	"math"
	"net"
	"net/http"
	"time"
)

// Transport returns a transport that keeps up to maxConns idle connections, 0
// meaning any number. A request that finds none idle opens one and never waits:
// how many are in flight is the caller's to bound, and how long an answer may
// take its context's. Requests to http:// go over connections of its own, those
// to https:// over HTTP/2 where the server speaks it; redirects are not
// followed. A process needs one.
func Transport(maxConns int) http.RoundTripper {
	general := netTransport(maxConns)
	if maxConns <= 0 {
		maxConns = math.MaxInt
	}
	return &direct{
		general: general, dial: general.DialContext, maxIdle: maxConns, idle: map[string][]*connection{},
		proxied: func(request *http.Request) bool {
			proxy, err := http.ProxyFromEnvironment(request)
			return proxy != nil || err != nil
		},
	}
}

// netTransport is net/http's, tuned.
func netTransport(maxConns int) *http.Transport {
	dialer := &net.Dialer{
		Timeout: 10 * time.Second,
		// A long answer is minutes of silence. Probes notice within a minute and a
		// half that the other machine is gone, and keep what is on the way from
		// forgetting the connection, as load balancers do after minutes.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 15 * time.Second, Count: 4},
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment, // never for loopback
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        maxConns,
		MaxIdleConnsPerHost: maxConns,
		IdleConnTimeout:     idleTimeout,
		// Answers are small for the time they take.
		DisableCompression: true,
		// Over HTTP/2, which providers' routers speak, hundreds of requests share a
		// connection, and net/http opens another when its streams run out. Only
		// pings tell a silent connection from a dead one.
		ForceAttemptHTTP2: true,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		// The buffers stay at 4 KiB each way: a thousand connections are 8 MB,
		// and most of a larger body passes them by.
	}
	if maxConns <= 0 {
		transport.MaxIdleConnsPerHost = 1 << 20 // 0 would mean 2
	}
	return transport
}
