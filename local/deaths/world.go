package deaths

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/local/parts"
	"github.com/nightshift-run/nightshift/worker"
)

// bucketName is the S3 server's one bucket.
const bucketName = "deaths"

// world is all that one case needs.
type world struct {
	setting
	cloud    *cloud
	temporal *parts.Process
	objects  *parts.Process
	workers  []*parts.Process // one of both roles, or control and data
	client   client.Client
	store    *bucket.Store
	job      string
}

// newWorld starts everything, with its files below dir. close must be called,
// also after an error.
func newWorld(ctx context.Context, s setting, o Options, dir string) (w *world, err error) {
	w = &world{setting: s}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return w, err
	}
	if w.cloud, err = startCloud(s); err != nil {
		return w, fmt.Errorf("start the simulated cloud: %w", err)
	}
	temporalAt, err := parts.FreePort()
	if err != nil {
		return w, err
	}
	objectsAt, err := parts.FreePort()
	if err != nil {
		return w, err
	}
	part := func(name string, ready bool, args ...string) *parts.Process {
		env := append(parts.Environ(dir), o.Env...)
		return &parts.Process{Name: name, Args: args, Ready: ready, Logs: dir, Program: o.Program, Env: env}
	}
	w.temporal = part("temporal", true, parts.TemporalCommand, filepath.Join(dir, "temporal.db"), temporalAt)
	w.objects = part("s3", true, parts.ObjectsCommand, filepath.Join(dir, "s3"), objectsAt, bucketName)
	env, err := s.provider.environment(w.cloud.URL)
	if err != nil {
		return w, err
	}
	env = append(env,
		"TEMPORAL_ADDRESS="+temporalAt, "AWS_ENDPOINT_URL_S3=http://"+objectsAt, "AWS_REGION="+parts.Region,
		"AWS_ACCESS_KEY_ID="+parts.AccessKey, "AWS_SECRET_ACCESS_KEY="+parts.SecretKey)
	for _, roles := range s.death.workers() {
		one := part("worker", false, append([]string{"worker"}, roles...)...)
		if len(roles) > 0 {
			one.Name = roles[len(roles)-1]
		}
		one.Env = append(one.Env, env...)
		w.workers = append(w.workers, one)
	}
	return w, w.start(ctx, temporalAt, objectsAt)
}

// booting is held while a Temporal server starts for the first time, which is
// the one thing that keeps a processor busy for seconds: several at once, on a machine
// with other work, would not be up within the time that the server gives itself.
var booting sync.Mutex

func (w *world) bootTemporal(ctx context.Context) error {
	booting.Lock()
	defer booting.Unlock()
	return w.temporal.Start(ctx)
}

func (w *world) start(ctx context.Context, temporalAt, objectsAt string) (err error) {
	if err := w.bootTemporal(ctx); err != nil {
		return err
	}
	if err := w.objects.Start(ctx); err != nil {
		return err
	}
	for _, one := range w.workers {
		if err := one.Start(ctx); err != nil {
			return err
		}
	}
	w.store, err = bucket.New(ctx, bucket.Options{Endpoint: "http://" + objectsAt, Region: parts.Region, AccessKey: parts.AccessKey, SecretKey: parts.SecretKey})
	if err != nil {
		return err
	}
	w.client, err = client.DialContext(ctx, client.Options{HostPort: temporalAt, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	return err
}

// close kills what still runs.
func (w *world) close() {
	if w.client != nil {
		w.client.Close()
	}
	for _, one := range w.processes() {
		_ = one.Kill()
	}
	if w.cloud != nil {
		w.cloud.stop()
	}
}

// processes are all there are, the workers first.
func (w *world) processes() []*parts.Process {
	all := append([]*parts.Process{}, w.workers...)
	for _, one := range []*parts.Process{w.temporal, w.objects} {
		if one != nil {
			all = append(all, one)
		}
	}
	return all
}

// oneWorker has both roles; twoWorkers have one each, the control worker first.
func oneWorker() [][]string { return [][]string{nil} }

func twoWorkers() [][]string {
	return [][]string{{"--role", string(worker.Control)}, {"--role", string(worker.Data)}}
}
