package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/worker"
)

func healthListenFlag(usage string) cli.Flag {
	return &cli.StringFlag{Name: "health-listen", Usage: usage, EnvVars: []string{"NIGHTSHIFT_HEALTH_LISTEN"}}
}

func healthCommand() *cli.Command {
	return &cli.Command{
		Name:  "health",
		Usage: "ask a worker whether it is ready",
		Description: "For supervisors that run a command, in images without curl. Exits with 0 if the worker asks\n" +
			"for work and Temporal answers, else with 1 and what is missing.\n\n" +
			"Examples:\n" +
			"  nightshift worker --health-listen 127.0.0.1:7280\n" +
			"  nightshift health --health-listen 127.0.0.1:7280\n" +
			"  nightshift health --health-listen 127.0.0.1:7280 --live",
		Flags: []cli.Flag{
			healthListenFlag("the worker's `HOST:PORT`"),
			&cli.StringFlag{Name: "url", Usage: "`URL` to ask instead, of anything that answers 200 when it is well"},
			&cli.BoolFlag{Name: "live", Usage: "ask only whether the process answers"},
			&cli.DurationFlag{Name: "timeout", Usage: "how long the answer may take", Value: 5 * time.Second},
		},
		Action: askHealth,
	}
}

func askHealth(c *cli.Context) error {
	url, err := healthURL(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return badInput(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("nobody answers: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<10))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not well: %s", url, strings.TrimSpace(string(text)))
	}
	fmt.Fprintln(c.App.Writer, "ok")
	return nil
}

func healthURL(c *cli.Context) (string, error) {
	if url := c.String("url"); url != "" {
		return url, nil
	}
	address := c.String("health-listen")
	if address == "" {
		return "", badInput(errors.New("whom to ask is not said; give both worker and health --health-listen 127.0.0.1:7280, or set NIGHTSHIFT_HEALTH_LISTEN"))
	}
	if c.Bool("live") {
		return "http://" + address + "/livez", nil
	}
	return "http://" + address + "/readyz", nil
}

// serveHealth serves a worker's health, and its metrics at /metrics, where the
// flag says, from before it connects, until stop is called.
func serveHealth(c *cli.Context, health *worker.Health, metrics http.Handler, log *slog.Logger) (stop func(), err error) {
	address := c.String("health-listen")
	if address == "" {
		return func() {}, nil
	}
	pages := http.NewServeMux()
	pages.Handle("GET /", health)
	pages.Handle("GET /metrics", metrics)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, badInput(fmt.Errorf("health: %w\ntry another address: --health-listen 127.0.0.1:0", err))
	}
	log.Info("health and metrics are served", "url", "http://"+listener.Addr().String()+"/readyz")
	serving, end := context.WithCancel(context.WithoutCancel(c.Context))
	var done sync.WaitGroup
	done.Go(func() {
		if err := serve(serving, listener, pages); err != nil {
			log.Error("health and metrics", "error", err)
		}
	})
	return func() { end(); done.Wait() }, nil
}
