package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/openai/openai-go/v3"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/parts"
)

// How many workers there are, as in docker-compose.yml with --scale data=3.
const (
	controlWorkers = 2
	dataWorkers    = 3
)

const bucketName = "fleet"

// world is the topology.
type world struct {
	Options
	database *database
	temporal *parts.Process
	objects  *parts.Process
	cloud    *parts.Process
	control  []*worker
	data     []*worker
	gateway  *worker

	env    []string // of every command of nightshift
	ledger sim.Client
	client client.Client
	store  *bucket.Store
	openai openai.Client // of the gateway
}

// worker is a process that tells whether it is ready: a worker, or the gateway.
type worker struct {
	*parts.Process
	health string // URL
}

// newWorld starts everything, with its files below o.Dir. close must be called,
// also after an error.
func newWorld(ctx context.Context, o Options) (w *world, err error) {
	w = &world{Options: o}
	if w.database, err = newDatabase(ctx, o.Dir); err != nil {
		return w, err
	}
	cloudAt, err := parts.FreePort()
	if err != nil {
		return w, err
	}
	objectsAt, err := parts.FreePort()
	if err != nil {
		return w, err
	}
	w.cloud = w.part("cloud", CloudCommand, cloudAt, strconv.Itoa(o.Rate))
	w.objects = w.part("s3", parts.ObjectsCommand, filepath.Join(o.Dir, "s3"), objectsAt)
	w.cloud.Ready, w.objects.Ready = true, true
	var temporalAt string
	if w.temporal, temporalAt, err = w.newTemporal(); err != nil {
		return w, err
	}
	w.ledger = sim.Client{BaseURL: "http://" + cloudAt}
	w.env = []string{
		"TEMPORAL_ADDRESS=" + temporalAt, "AWS_ENDPOINT_URL_S3=http://" + objectsAt, "AWS_REGION=" + parts.Region,
		"AWS_ACCESS_KEY_ID=" + parts.AccessKey, "AWS_SECRET_ACCESS_KEY=" + parts.SecretKey,
		"NEBIUS_API_KEY=" + token, "NEBIUS_BASE_URL=http://" + cloudAt,
	}
	if err := w.newWorkers(); err != nil {
		return w, err
	}
	if err := w.newGateway(ctx); err != nil {
		return w, err
	}
	w.store, err = bucket.New(ctx, bucket.Options{Endpoint: "http://" + objectsAt, Region: parts.Region, AccessKey: parts.AccessKey, SecretKey: parts.SecretKey})
	if err != nil {
		return w, err
	}
	w.client, err = client.NewLazyClient(client.Options{HostPort: temporalAt, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return w, err
	}
	return w, w.start(ctx)
}

func (w *world) newWorkers() error {
	roles := map[string]int{"control": controlWorkers, "data": dataWorkers}
	for role, count := range roles {
		for i := range count {
			at, err := parts.FreePort()
			if err != nil {
				return err
			}
			one := &worker{w.part(fmt.Sprintf("%s-%d", role, i+1), "worker", "--role", role, "--health-listen", at), "http://" + at + "/readyz"}
			one.Program = w.Nightshift
			one.Env = append(one.Env, w.env...)
			if role == "control" {
				w.control = append(w.control, one)
			} else {
				w.data = append(w.data, one)
			}
		}
	}
	return nil
}

// part is a process of this program, with nothing in its environment that was
// not meant for it.
func (w *world) part(name string, args ...string) *parts.Process {
	return &parts.Process{
		Name: name, Program: w.Program, Args: args, Logs: w.Dir,
		Env: w.environment(),
	}
}

func (w *world) environment() []string {
	return append(parts.Environ(w.Dir), w.Env...)
}

// command runs a command of the program to its end and returns what it printed.
func (w *world) command(ctx context.Context, env []string, args ...string) (string, error) {
	out, _, err := w.run(ctx, env, args...)
	return out, err
}

// run is command, and returns what went to standard error as well.
func (w *world) run(ctx context.Context, env []string, args ...string) (out, said string, err error) {
	command := exec.CommandContext(ctx, w.Program, args...)
	command.Env = append(w.environment(), env...)
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", "", fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String()), strings.TrimSpace(stderr.String()), nil
}

// start brings everything up in the order of docker-compose.yml.
func (w *world) start(ctx context.Context) error {
	steps := []func(context.Context) error{
		w.cloud.Start, w.objects.Start, w.database.start, w.setUpSchemas, w.temporal.Start, w.setUp,
	}
	for _, worker := range w.askable() {
		steps = append(steps, worker.Start)
	}
	for _, step := range append(steps, w.awaitReady) {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// setUp makes the namespace and the bucket. The server may still be on its way
// up.
func (w *world) setUp(ctx context.Context) (err error) {
	waited := parts.Until(ctx, func() bool {
		_, err = w.command(ctx, w.env, "setup", "--bucket", "s3://"+bucketName)
		return err == nil
	})
	return errors.Join(waited, err)
}

// askable are the processes that tell whether they are ready, as far as they were
// made.
func (w *world) askable() []*worker {
	all := append(append([]*worker{}, w.control...), w.data...)
	if w.gateway != nil {
		all = append(all, w.gateway)
	}
	return all
}

// awaitReady waits until each of them says so.
func (w *world) awaitReady(ctx context.Context) error {
	for _, worker := range w.askable() {
		if err := parts.Until(ctx, func() bool { return worker.ready(ctx) }); err != nil {
			return fmt.Errorf("%s is not ready: %w", worker.Name, err)
		}
	}
	return nil
}

func (o *worker) ready(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.health, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// processes are all that runs, as far as it was made.
func (w *world) processes() (all []*parts.Process) {
	for _, worker := range w.askable() {
		all = append(all, worker.Process)
	}
	for _, one := range []*parts.Process{w.temporal, w.database.Process, w.objects, w.cloud} {
		if one != nil {
			all = append(all, one)
		}
	}
	return all
}

// used is what the processes used that are gone.
func (w *world) used() (used []Used) {
	for _, one := range w.processes() {
		used = append(used, Used{one.Name, one.Used()})
	}
	return used
}

// close ends what still runs.
func (w *world) close() error {
	if w.client != nil {
		w.client.Close()
	}
	errs := []error{w.database.remove()}
	for _, one := range w.processes() {
		errs = append(errs, one.Kill())
	}
	return errors.Join(errs...)
}
