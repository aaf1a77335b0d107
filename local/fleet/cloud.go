package fleet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// token is what the cloud accepts.
const token = "simulated"

// answerTime is how long the cloud takes for an answer.
const answerTime = 200 * time.Millisecond

// ServeCloud runs a simulated cloud whose endpoints answer so many requests a
// second, until ctx ends. It writes a line to out when it serves.
func ServeCloud(ctx context.Context, out io.Writer, address string, rate int) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	cloud := sim.New(sim.Options{
		Token: token, WarmUp: time.Second, Drain: 200 * time.Millisecond,
		Model: sim.Model{TimeToFirstToken: answerTime, MaxStreams: max(1, int(float64(rate)*answerTime.Seconds()))},
	})
	defer cloud.Close()
	server := &http.Server{Handler: cloud, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	fmt.Fprintln(out, "ready")
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
