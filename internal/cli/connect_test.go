package cli

import (
	"context"
	"io"
	"net"
	"testing"
)

// TestConnect_AsksForNoServiceConfig: in a closed network a name server answers
// for the names within, and is silent about all others. Connecting asks it for
// nothing that could be among those.
func TestConnect_AsksForNoServiceConfig(t *testing.T) { // no other test beside it: the resolver is everybody's
	ctx, stop := context.WithCancel(t.Context())
	asked := make(chan struct{}, 100)
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	defer func() { net.DefaultResolver = before }()

	server, err := net.Listen("tcp", "localhost:0") // a name that needs no name server
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		oneApp.Lock()
		defer oneApp.Unlock()
		ended <- newApp(io.Discard, io.Discard, nil).RunContext(ctx, []string{"nightshift", "list", "--address", "localhost:" + port})
		server.Close()
	}()
	connected, err := server.Accept()
	if err != nil {
		t.Fatalf("nobody connected: %v; %v", err, <-ended)
	}
	defer connected.Close()
	stop()
	if err := <-ended; err == nil {
		t.Error("listed without a server")
	}
	if len(asked) > 0 {
		t.Error("a name server was asked")
	}
}
