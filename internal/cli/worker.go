package cli

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/nightshift-run/nightshift/internal/spell"
	"github.com/nightshift-run/nightshift/worker"
)

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:  "worker",
		Usage: "do the work of submitted jobs until stopped",
		Description: "A worker rents and releases endpoints (role control) and sends requests (role data).\n" +
			"It needs the providers' tokens and access to the buckets; submitting a job needs neither.\n\n" +
			"Examples:\n" +
			"  NEBIUS_API_KEY=... nightshift worker\n" +
			"  nightshift worker --role data --s3-endpoint http://127.0.0.1:9000\n" +
			"  nightshift worker --nebius-api-key-file token.txt --nebius-base-url http://127.0.0.1:8700",
		Flags: append(slices.Concat(temporalFlags(), storeFlags(), providerFlags()),
			&cli.StringSliceFlag{Name: "role", Usage: "`ROLE` control or data; both when not given", EnvVars: []string{"NIGHTSHIFT_ROLES"}},
			&cli.DurationFlag{Name: "stop-timeout", Usage: "how long requests in flight may finish after SIGTERM", Value: 20 * time.Second, EnvVars: []string{"NIGHTSHIFT_STOP_TIMEOUT"}},
		),
		Action: runWorker,
	}
}

// gcPercent keeps a worker's memory below 100 MB at 50,000 small requests in four
// seconds, for a fifth of that throughput; no model is as fast. GOGC overrides
// it.
const gcPercent = 50

func runWorker(c *cli.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	roles, err := parseRoles(c.StringSlice("role"))
	if err != nil {
		return badInput(err)
	}
	logger := NewLogger(c.App.ErrWriter, slog.LevelInfo)
	connected, err := connect(c, logger)
	if err != nil {
		return err
	}
	defer connected.Close()
	store, err := openStore(c.Context, c)
	if err != nil {
		return err
	}
	providers, err := providerSettings(c)
	if err != nil {
		return err
	}
	return worker.Run(c.Context, worker.Options{
		Client: connected.Client, Namespace: connected.namespace, Store: store, Providers: providers,
		Roles: roles, TempDir: c.String("temp-dir"), StopTimeout: c.Duration("stop-timeout"), Logger: logger,
	})
}

func parseRoles(names []string) ([]worker.Role, error) {
	var roles []worker.Role
	for _, name := range names {
		role := worker.Role(name)
		if role != worker.Control && role != worker.Data {
			return nil, fmt.Errorf("unknown role %q; %s", name, spell.Suggest(name, []string{string(worker.Control), string(worker.Data)}))
		}
		roles = append(roles, role)
	}
	return roles, nil
}
