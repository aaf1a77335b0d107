package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/gateway"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "serve OpenAI's Batch API in front of jobs",
		ArgsUsage: "SERVE.yaml",
		Description: "Clients of OpenAI's Files, Uploads, Batches and Models API change their base URL and keep the\n" +
			"rest; each batch runs as a job, which workers do. The file says where files lie and which\n" +
			"endpoint each model is answered by:\n\n" +
			"  root: s3://nightshift/openai/\n" +
			"  models:\n" +
			"    - name: openai/gpt-oss-120b\n" +
			"      endpoint: {provider: nebius, model: openai/gpt-oss-120b, flavor: base, gpu: {type: gpu-h100-sxm}, region: eu-north1}\n\n" +
			"Any number of servers may serve the same root. Without --keys everybody on this machine is let\n" +
			"in, and nobody else. A page at / shows the batches.\n\n" +
			"Examples:\n" +
			"  nightshift serve serve.yaml\n" +
			"  nightshift serve key --tenant research --keys keys.yaml\n" +
			"  nightshift serve --keys keys.yaml --listen 0.0.0.0:7290 serve.yaml",
		Flags: append(slices.Concat(temporalFlags(), storeFlags(), logFlags()),
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on", Value: "127.0.0.1:7290"},
			&cli.PathFlag{Name: "keys", Usage: "`FILE` of the keys that are let in; read anew while running, so that keys can be given and taken"},
			&cli.DurationFlag{Name: "stop-delay", Usage: "for how long after SIGTERM /readyz says no while requests are still taken: as long as balancers need to notice"},
			&cli.DurationFlag{Name: "stop-timeout", Usage: "how long open requests may finish after that", Value: 20 * time.Second},
		),
		Subcommands: []*cli.Command{serveKeyCommand()},
		Action:      runServe,
	}
}

func runServe(c *cli.Context) error {
	file, err := oneArgument(c, "the file that says what is served")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return badInput(err)
	}
	config, err := gateway.ParseConfig(file, text)
	if err != nil {
		return badInput(err)
	}
	keys, err := openKeys(c)
	if err != nil {
		return err
	}
	logger, err := logger(c)
	if err != nil {
		return err
	}
	store, err := openStore(c.Context, c)
	if err != nil {
		return err
	}
	connected, err := connectLater(c, NewLogger(c.App.ErrWriter, slog.LevelError), func(*client.Options) error { return nil })
	if err != nil {
		return err
	}
	defer connected.Close()
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return badInput(fmt.Errorf("%w\ntry another address: --listen 127.0.0.1:7291", err))
	}
	fmt.Fprintf(c.App.ErrWriter, "OpenAI's API on http://%s/v1, status on http://%[1]s/\n", listener.Addr())
	return Serve(c.Context, listener, ServeOptions{
		Config: config, Keys: keys, Store: store, Client: connected.Client,
		Namespace: connected.namespace, WebUI: connected.webUI, Logger: logger,
		StopDelay: c.Duration("stop-delay"), StopTimeout: c.Duration("stop-timeout"),
	})
}

// openKeys reads the keys. Without any, only this machine is let in.
func openKeys(c *cli.Context) (*gateway.Keys, error) {
	if path := c.Path("keys"); path != "" {
		keys, err := gateway.OpenKeys(path)
		if err != nil {
			return nil, badInput(err)
		}
		return keys, nil
	}
	host, _, err := net.SplitHostPort(c.String("listen"))
	if ip := net.ParseIP(host); err == nil && (host == "localhost" || ip.IsLoopback()) {
		fmt.Fprintln(c.App.ErrWriter, "warning: without --keys everybody on this machine may use it; make a key with: nightshift serve key --tenant NAME")
		return nil, nil
	}
	return nil, badInput(errors.New("without --keys only an address of this machine can be listened on; make a key with: nightshift serve key --tenant NAME, or try: --listen 127.0.0.1:7290"))
}

// ServeOptions says what Serve works with.
type ServeOptions struct {
	Config      gateway.Config
	Keys        *gateway.Keys // nil lets everybody on this machine in
	Store       *bucket.Store
	Client      client.Client
	Namespace   string
	WebUI       string // for links; empty without one
	Logger      *slog.Logger
	StopDelay   time.Duration // in which it says that it is not ready, and goes on
	StopTimeout time.Duration // in which open requests may finish after that
}

// sightAge is how old the progress of a batch may be that clients are told. They
// poll every second or less often, and each look at a job keeps Temporal and a
// worker busy for some milliseconds.
const sightAge = 5 * time.Second

// Serve serves OpenAI's Batch API until ctx ends and the delay is over, and then
// lets open requests finish.
func Serve(ctx context.Context, listener net.Listener, o ServeOptions) error {
	server := gateway.New(gateway.Options{
		Config: o.Config, Store: o.Store, Keys: o.Keys, Logger: o.Logger, SightAge: sightAge,
		Runner: &batchRunner{client: o.Client, store: o.Store, namespace: o.Namespace, webUI: o.WebUI},
	})
	var sweeping sync.WaitGroup
	sweeping.Go(func() { server.Run(ctx) })
	defer sweeping.Wait()
	return serveFor(leave(ctx, server, o.StopDelay), listener, server, o.StopTimeout)
}

// leave tells the server when ctx ends, and returns a context that ends so much
// later.
func leave(ctx context.Context, server *gateway.Server, delay time.Duration) context.Context {
	later, end := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		server.Leave()
		time.AfterFunc(delay, end)
	})
	return later
}

// serveFor serves until ctx ends, then lets open requests finish for so long.
func serveFor(ctx context.Context, listener net.Listener, handler http.Handler, stopTimeout time.Duration) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if server.Shutdown(stopping) != nil {
			server.Close()
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}
