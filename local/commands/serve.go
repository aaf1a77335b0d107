package commands

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/examples"
	nightshift "github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/internal/gateway"
	"github.com/nightshift-run/nightshift/local/stack"
)

func serveFlag() cli.Flag {
	return &cli.StringFlag{Name: "serve-listen", Usage: "`HOST:PORT` of OpenAI's Batch API; empty serves none", Value: "127.0.0.1:7290", EnvVars: []string{"NIGHTSHIFT_SERVE_LISTEN"}}
}

// startServing serves OpenAI's Batch API in front of a stack, as
// examples/openai-client/serve.yaml says, until stop is called.
func startServing(c *cli.Context, s *stack.Stack) (stop func(), err error) {
	address := c.String("serve-listen")
	if address == "" {
		return func() {}, nil
	}
	config, err := gateway.ParseConfig("examples/openai-client/serve.yaml", examples.Serve)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("OpenAI's API: %w; try another address: --serve-listen 127.0.0.1:0", err)
	}
	fmt.Fprintf(c.App.ErrWriter, "OpenAI's Batch API on http://%s/v1, status on http://%[1]s/\n", listener.Addr())
	logger := nightshift.NewLogger(c.App.ErrWriter, slog.LevelError)
	serving, end := context.WithCancel(context.WithoutCancel(c.Context))
	var done sync.WaitGroup
	done.Go(func() {
		err := nightshift.Serve(serving, listener, nightshift.ServeOptions{
			Config: config, Store: s.Store, Client: s.Client, Namespace: stack.Namespace, WebUI: s.Temporal.UIURL(),
			Logger: logger, StopTimeout: 5 * time.Second,
		})
		if err != nil {
			logger.Error("serve OpenAI's API", "error", err)
		}
	})
	return func() { end(); done.Wait() }, nil
}
