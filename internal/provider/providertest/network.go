package providertest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
)

// serve serves the handler on a network in memory for as long as the test
// runs, and returns a client whose every connection leads to it. Sockets would
// keep a bubble's time from passing.
func serve(t *testing.T, handler http.Handler) *http.Client {
	network := &network{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(network) }) // always ends with ErrServerClosed
	// Each call has a connection of its own: unlike a socket, a pipe whose other
	// end is cut fails at once and in the middle of a write, where a transport
	// cannot know that the call was never sent.
	transport := &http.Transport{DialContext: network.dial, DisableKeepAlives: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		serving.Wait()
	})
	return &http.Client{Transport: transport}
}

// network is a net.Listener.
type network struct {
	connections chan net.Conn
	closed      chan struct{}
	close       sync.Once
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case n.connections <- there:
		return here, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.connections:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.close.Do(func() { close(n.closed) })
	return nil
}

func (*network) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
