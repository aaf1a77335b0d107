package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/sim"
)

func simCommand() *cli.Command {
	return &cli.Command{
		Name:  "sim",
		Usage: "run a simulated GPU cloud to test jobs on, free of charge",
		Description: "Speaks the control planes of Nebius, Together (versions 2 and 1) and Lyceum with their Batch\n" +
			"APIs, and an OpenAI-compatible data plane, all on one address, and keeps a ledger of what every\n" +
			"endpoint would have been billed: GET /sim/ledger. Together's Batch API is below /together, since\n" +
			"its paths are those of Nebius.\n\n" +
			"Examples:\n" +
			"  nightshift sim\n" +
			"  nightshift sim --warm-up 2m --listen 127.0.0.1:8701\n" +
			"  nightshift sim --served my-model            # a server of one's own, for provider: static\n" +
			"  NEBIUS_BASE_URL=http://127.0.0.1:8700 NEBIUS_INFERENCE_URL=http://127.0.0.1:8700/v1 NEBIUS_API_KEY=any nightshift worker",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on", Value: "127.0.0.1:8700", EnvVars: []string{"NIGHTSHIFT_SIM_LISTEN"}},
			&cli.DurationFlag{Name: "warm-up", Usage: "time from create to ready", Value: 8 * time.Second, EnvVars: []string{"NIGHTSHIFT_SIM_WARM_UP"}},
			&cli.StringFlag{Name: "token", Usage: "the only bearer `TOKEN` to accept; any without it", EnvVars: []string{"NIGHTSHIFT_SIM_TOKEN"}},
			&cli.StringSliceFlag{Name: "served", Usage: "`MODEL` that is always served, as by a server of one's own that no provider knows", EnvVars: []string{"NIGHTSHIFT_SIM_SERVED"}},
			&cli.BoolFlag{Name: "together-v1-closed", Usage: "refuse to create and to restart Together's version 1 endpoints, as the real service does today", EnvVars: []string{"NIGHTSHIFT_SIM_TOGETHER_V1_CLOSED"}},
			&cli.BoolFlag{Name: "instant", Usage: "answer requests at once instead of at a GPU's speed", EnvVars: []string{"NIGHTSHIFT_SIM_INSTANT"}},
		}, logFlags()...),
		Action: runSim,
	}
}

func runSim(c *cli.Context) error {
	logger, err := logger(c)
	if err != nil {
		return err
	}
	options := sim.Options{
		Token: c.String("token"), WarmUp: c.Duration("warm-up"),
		Served: c.StringSlice("served"), TogetherV1Closed: c.Bool("together-v1-closed"),
		Logger: logger,
	}
	if !c.Bool("instant") {
		options.Model = sim.Typical()
	}
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return badInput(fmt.Errorf("%w\ntry another address: --listen 127.0.0.1:8701", err))
	}
	cloud := sim.New(options)
	defer cloud.Close()
	logger.Info("simulated cloud", "url", "http://"+listener.Addr().String(), "ledger", "http://"+listener.Addr().String()+"/sim/ledger")
	return serve(c.Context, listener, cloud)
}

// serve serves until ctx ends, then lets open requests finish for a moment.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(stopping) != nil {
			server.Close()
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
