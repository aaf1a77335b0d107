package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"

	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/spell"
	"github.com/nightshift-run/nightshift/worker"
)

func workerCommand() *cli.Command {
	return &cli.Command{
		Name:  "worker",
		Usage: "do the work of submitted jobs until stopped",
		Description: "A worker rents and releases endpoints (role control) and sends requests (role data).\n" +
			"It needs the providers' tokens and access to the buckets; submitting a job needs neither.\n" +
			"Providers: " + strings.Join(registry.Names(), ", ") + ".\n" +
			"While Temporal is out of reach it keeps trying, and releases endpoints past their deadline.\n\n" +
			"Examples:\n" +
			"  NEBIUS_API_KEY=... TOGETHER_API_KEY=... nightshift worker\n" +
			"  nightshift worker --role data --s3-endpoint http://127.0.0.1:9000\n" +
			"  nightshift worker --nebius-api-key-file token.txt --nebius-base-url http://127.0.0.1:8700",
		Flags: append(slices.Concat(temporalFlags(), storeFlags(), providerFlags(), logFlags()),
			&cli.StringSliceFlag{Name: "role", Usage: "`ROLE` control or data; both when not given; separate several by commas", EnvVars: []string{"NIGHTSHIFT_ROLES"}},
			&cli.DurationFlag{Name: "stop-timeout", Usage: "how long requests in flight may finish after SIGTERM", Value: 20 * time.Second, EnvVars: []string{"NIGHTSHIFT_STOP_TIMEOUT"}},
			&cli.IntFlag{Name: "slots", Usage: "shards that a data worker has open at once, of all jobs together", Value: worker.DefaultSlots, EnvVars: []string{"NIGHTSHIFT_SLOTS"}},
			&cli.IntFlag{Name: "pollers", Usage: "requests for work that are open at once for each task queue", Value: worker.DefaultPollers, EnvVars: []string{"NIGHTSHIFT_POLLERS"}},
			&cli.StringFlag{Name: "deployment-name", Usage: "`NAME` of the Worker Deployment that this worker is a version of; without it Temporal tells no versions apart", EnvVars: []string{"NIGHTSHIFT_DEPLOYMENT_NAME"}},
			&cli.StringFlag{Name: "build-id", Usage: "the version's `ID`", DefaultText: "the commit that was built", EnvVars: []string{"NIGHTSHIFT_BUILD_ID"}},
			&cli.DurationFlag{Name: "sweep-every", Usage: "how often to look for endpoints that nobody will release any more", Value: worker.DefaultSweepEvery, EnvVars: []string{"NIGHTSHIFT_SWEEP_EVERY"}},
			&cli.BoolFlag{Name: "no-sweep", Usage: "leave the schedule that does so as it is, or uninstalled", EnvVars: []string{"NIGHTSHIFT_NO_SWEEP"}},
			&cli.DurationFlag{Name: "release-after-outage", Usage: "release endpoints past their deadline without Temporal when it has been out of reach for so long; 0 is never", Value: 5 * time.Minute, EnvVars: []string{"NIGHTSHIFT_RELEASE_AFTER_OUTAGE"}},
			&cli.StringFlag{Name: "installation", Usage: "`NAME` of this installation, as a worker that is ready logs it, for guarding endpoints from a start without Temporal", EnvVars: []string{"NIGHTSHIFT_INSTALLATION"}},
			&cli.PathFlag{Name: "state-dir", Usage: "`DIR` in which that name is remembered", DefaultText: "nightshift in the user's cache folder", EnvVars: []string{"NIGHTSHIFT_STATE_DIR"}},
			pricesFlag(),
			healthListenFlag("`HOST:PORT` to tell supervisors on whether the worker is alive and ready, and Prometheus its metrics; nothing is told without it"),
			traceRequestsFlag(),
		),
		Action: runWorker,
	}
}

func runWorker(c *cli.Context) error {
	tuneCollector()
	options, err := workerOptions(c)
	if err != nil {
		return badInput(err)
	}
	if options.Logger, err = logger(c); err != nil {
		return err
	}
	telling, err := startTelemetry(c, "nightshift-worker", options.Logger)
	if err != nil {
		return err
	}
	defer stopTelemetry(telling, options.Logger)
	options.Telemetry, options.Health = telling, worker.NewHealth()
	telling.Metrics().WatchReady(options.Health.Ready)
	stopHealth, err := serveHealth(c, options.Health, telling, options.Logger)
	if err != nil {
		return err
	}
	defer stopHealth()
	connected, err := connectLater(c, options.Logger, func(o *client.Options) error {
		options.Health.Observe(o)
		return telling.Observe(o)
	})
	if err != nil {
		return err
	}
	defer connected.Close()
	options.Client, options.Namespace, options.StateFile = connected.Client, connected.namespace, stateFile(c, connected)
	if options.Store, err = openCountedStore(c, telling.Metrics().Stored); err != nil {
		return err
	}
	return worker.Run(c.Context, options)
}

// workerOptions is what the flags say, or all that is wrong with them.
func workerOptions(c *cli.Context) (worker.Options, error) {
	options := worker.Options{
		TempDir: c.String("temp-dir"), StopTimeout: c.Duration("stop-timeout"), Slots: c.Int("slots"), Pollers: c.Int("pollers"),
		SweepEvery: c.Duration("sweep-every"), NoSweep: c.Bool("no-sweep"), ReleaseAfterOutage: c.Duration("release-after-outage"),
		Installation: c.String("installation"),
	}
	var problems [6]error
	options.Roles, problems[0] = parseRoles(c.StringSlice("role"))
	if options.SweepEvery < time.Minute || options.ReleaseAfterOutage < 0 {
		problems[1] = errors.New("--sweep-every must be at least 1m, and --release-after-outage 0 or more")
	}
	if options.Slots < 1 || options.Pollers < 1 {
		problems[2] = errors.New("--slots and --pollers must be at least 1")
	}
	options.Deployment, problems[3] = deploymentOf(c)
	options.Prices, problems[4] = readPrices(c)
	options.Providers, problems[5] = providerSettings(c)
	return options, errors.Join(problems[:]...)
}

// deploymentOf is the version that the flags say this worker is.
func deploymentOf(c *cli.Context) (worker.Deployment, error) {
	deployment := worker.Deployment{Name: c.String("deployment-name"), BuildID: c.String("build-id")}
	if deployment.Name != "" && deployment.BuildID == "" {
		deployment.BuildID = worker.Build()
	}
	if err := deployment.Check(); err != nil {
		return deployment, fmt.Errorf("%w; see --deployment-name and --build-id", err)
	}
	return deployment, nil
}

// stateFile is where a worker remembers what it learned of that Temporal
// namespace; empty if this machine has no place for it.
func stateFile(c *cli.Context, s *session) string {
	dir := c.Path("state-dir")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(cache, "nightshift")
	}
	return filepath.Join(dir, "installation-"+url.PathEscape(s.address+"/"+s.namespace))
}

func parseRoles(names []string) ([]worker.Role, error) {
	var roles []worker.Role
	if len(names) == 0 {
		return nil, nil
	}
	for name := range strings.SplitSeq(strings.Join(names, ","), ",") {
		role := worker.Role(name)
		if role != worker.Control && role != worker.Data {
			return nil, fmt.Errorf("unknown role %q; %s", name, spell.Suggest(name, []string{string(worker.Control), string(worker.Data)}))
		}
		roles = append(roles, role)
	}
	return roles, nil
}
