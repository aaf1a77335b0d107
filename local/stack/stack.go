// Package stack runs everything that a job needs in one process, on loopback
// and on files below one directory: a Temporal server with its Web UI, an S3
// server, the simulated GPU cloud and a worker. Each is the real thing behind a
// real protocol; what was under way when the process was killed goes on when a
// stack is started on the same directory.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/nightshift-run/nightshift/activities"
	"github.com/nightshift-run/nightshift/internal/bucket"
	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/provider/registry"
	"github.com/nightshift-run/nightshift/internal/sim"
	"github.com/nightshift-run/nightshift/local/devserver"
	"github.com/nightshift-run/nightshift/local/objectstore"
	"github.com/nightshift-run/nightshift/worker"
	"github.com/nightshift-run/nightshift/workflows"
)

// Namespace is where a stack's jobs run.
const Namespace = "default"

// Token is what the simulated cloud of a stack accepts.
const Token = "simulated"

// Served is the model that the simulated cloud of a stack always answers for,
// as a server of one's own would: what a job with a static endpoint can name.
const Served = "my-model"

// Options says where a stack keeps its files and listens.
type Options struct {
	Dir          string // holds everything that outlives the process; of Temporal nothing if InMemory
	InMemory     bool
	Port         int                 // of Temporal; 0 means any free one
	UIPort       int                 // of the Web UI; 0 means any free one, negative none
	S3Address    string              // host:port; port 0 means any free one
	Objects      *objectstore.Server // used instead of starting one, of which a process can have only one
	CloudAddress string              // host:port of the simulated cloud; port 0 means any free one
	Buckets      []string
	Cloud        sim.Options
	NoWorker     bool // leave the work to other processes

	ContinueAsNewAfter int // as devserver.Options has it
	Logger             *slog.Logger
}

// Stack is what runs.
type Stack struct {
	Temporal *devserver.Server
	Objects  *objectstore.Server
	Cloud    *sim.Cloud
	CloudURL string
	Client   client.Client
	Store    *bucket.Store

	stops []func() // in the order of starting
}

// Start starts a stack; Stop must be called. It returns when jobs can be
// submitted.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{}
	dir, err := filepath.Abs(o.Dir) // the S3 server changes the working directory
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", o.Dir, err)
	}
	o.Dir = dir
	for _, start := range []func(context.Context, Options) error{s.startCloud, s.startObjects, s.startTemporal, s.startWorker} {
		if err := start(ctx, o); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// Stop stops everything, last started first. It may be called again.
func (s *Stack) Stop() {
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		s.stops[last]()
		s.stops = s.stops[:last]
	}
}

func (s *Stack) onStop(stop func()) { s.stops = append(s.stops, stop) }

func (s *Stack) startCloud(_ context.Context, o Options) error {
	listener, err := net.Listen("tcp", o.CloudAddress)
	if err != nil {
		return fmt.Errorf("simulated cloud: %w; try another address: --cloud-listen 127.0.0.1:0", err)
	}
	o.Cloud.Token = Token
	o.Cloud.Served = append(o.Cloud.Served, Served)
	s.Cloud = sim.New(o.Cloud)
	s.CloudURL = "http://" + listener.Addr().String()
	server := &http.Server{Handler: s.Cloud, ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Logger.Error("simulated cloud", "error", err)
		}
	})
	s.onStop(func() {
		s.Cloud.Close()
		server.Close()
		serving.Wait()
	})
	return nil
}

func (s *Stack) startObjects(ctx context.Context, o Options) (err error) {
	s.Objects = o.Objects
	if s.Objects == nil {
		s.Objects, err = objectstore.Start(ctx, objectstore.Options{
			Dir: filepath.Join(o.Dir, "s3"), Address: o.S3Address, Buckets: o.Buckets, Logger: o.Logger,
		})
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%w with --s3-listen", err)
		}
		if err != nil {
			return err
		}
		s.onStop(s.Objects.Stop)
	}
	s.Store, err = bucket.New(ctx, bucket.Options{
		Endpoint: s.Objects.Endpoint(), Region: s.Objects.Region(),
		AccessKey: s.Objects.AccessKey(), SecretKey: s.Objects.SecretKey(),
	})
	return err
}

func (s *Stack) startTemporal(ctx context.Context, o Options) (err error) {
	attributes := map[string]enumspb.IndexedValueType{}
	for _, key := range workflows.SearchAttributes() {
		attributes[key.GetName()] = key.GetValueType()
	}
	file := ""
	if !o.InMemory {
		file = filepath.Join(o.Dir, "temporal.db")
	}
	s.Temporal, err = devserver.Start(ctx, devserver.Options{
		File: file, Port: o.Port, UIPort: o.UIPort,
		Namespace: Namespace, SearchAttributes: attributes, ContinueAsNewAfter: o.ContinueAsNewAfter, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	s.onStop(s.Temporal.Stop)
	s.Client, err = client.DialContext(ctx, client.Options{
		HostPort: s.Temporal.Address(), Namespace: Namespace, Logger: log.NewStructuredLogger(o.Logger),
	})
	if err != nil {
		return fmt.Errorf("connect to the embedded Temporal server: %w", err)
	}
	s.onStop(s.Client.Close)
	return nil
}

// Providers are the settings with which a worker reaches the simulated cloud,
// which stands for every provider.
func (s *Stack) Providers() activities.Providers {
	providers := activities.Providers{}
	for _, name := range registry.Names() {
		providers[name] = provider.Settings{Token: Token, BaseURL: s.CloudURL + sim.Path(name)}
	}
	return providers
}

func (s *Stack) startWorker(ctx context.Context, o Options) error {
	if !o.NoWorker {
		s.onStop(s.StartWorker(ctx, o.Logger))
	}
	return nil
}

// StartWorker runs a worker in this process until the returned stop is called.
func (s *Stack) StartWorker(ctx context.Context, logger *slog.Logger) (stop func()) {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	working.Go(func() {
		err := worker.Run(running, worker.Options{
			Client: s.Client, Namespace: Namespace, Store: s.Store, Providers: s.Providers(),
			StopTimeout: 5 * time.Second, Logger: logger,
		})
		if err != nil {
			logger.Error("worker", "error", err)
		}
	})
	return func() {
		end()
		working.Wait()
	}
}

// Environment is what another process needs to work on this stack, as NAME and
// value.
func (s *Stack) Environment() [][2]string {
	environment := [][2]string{
		{"TEMPORAL_ADDRESS", s.Temporal.Address()},
		{"NIGHTSHIFT_WEB_UI", s.Temporal.UIURL()},
		{"AWS_ENDPOINT_URL_S3", s.Objects.Endpoint()},
		{"AWS_REGION", s.Objects.Region()},
		{"AWS_ACCESS_KEY_ID", s.Objects.AccessKey()},
		{"AWS_SECRET_ACCESS_KEY", s.Objects.SecretKey()},
	}
	for _, name := range registry.Names() {
		variables, err := registry.VariablesOf(name)
		base := [2]string{variables.BaseURL, s.CloudURL + sim.Path(name)}
		if err == nil && !slices.Contains(environment, base) { // providers can share their settings
			environment = append(environment, base, [2]string{variables.Token, Token})
		}
	}
	return environment
}
