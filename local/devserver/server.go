package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
	_ "time/tzdata" // schedules name time zones, and a small machine may have no zone files

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Server is a running Temporal server, with its Web UI unless that was left out.
type Server struct {
	address string
	uiURL   string
	stop    sync.Once
	log     logger

	// What Stop has to undo; nil is what Start had not come to.
	lock     *os.File
	path     string // of the database; empty in memory
	uiListen net.Listener
	temporal temporal.Server
	conn     *grpc.ClientConn
	ui       *http.Server
}

// Start runs a server until Stop. When it returns, workflows can be started in
// the namespace and all search attributes can be used. It fails if the file is in
// use, was written by another version or is not ours, or if a port is taken, and
// then leaves nothing running. ctx bounds the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{log: newLogger(o.Logger)}
	if err := s.start(ctx, o); err != nil {
		s.Stop()
		return nil, err
	}
	s.log.running.Store(true)
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options) error {
	if o.UIPort != NoUI {
		var err error
		if s.uiListen, err = listen(o.IP, o.UIPort, "--ui-port"); err != nil {
			return fmt.Errorf("start the Temporal Web UI: %w", err)
		}
	}
	frontend, err := listen(o.IP, o.Port, "--port")
	if err != nil {
		return fmt.Errorf("start the Temporal server: %w", err)
	}
	defer frontend.Close()
	db, err := s.openDatabase(ctx, o)
	if err != nil {
		return fmt.Errorf("open %s: %w", o.File, err)
	}
	if err := createNamespace(db, o); err != nil {
		return fmt.Errorf("create namespace %s: %w", o.Namespace, err)
	}
	if err := s.startTemporal(ctx, o, frontend, db); err != nil {
		return fmt.Errorf("start the Temporal server: %w", err)
	}
	if err := updateNamespace(ctx, s.conn, o); err != nil {
		return fmt.Errorf("update namespace %s: %w", o.Namespace, err)
	}
	return s.startUI(o)
}

// openDatabase makes sure that the file is ours alone and of this version.
func (s *Server) openDatabase(ctx context.Context, o Options) (*config.SQL, error) {
	if o.File == "" {
		return sqlConfig(""), nil
	}
	path, err := resolve(o.File)
	if err != nil {
		return nil, err
	}
	if s.lock, err = lockFile(path); err != nil {
		return nil, err
	}
	if err := prepareFile(ctx, path); err != nil {
		return nil, err
	}
	s.path = path
	return sqlConfig(path), nil
}

// startTemporal returns once the server answers for its history shard, the last
// of its parts to come up.
func (s *Server) startTemporal(ctx context.Context, o Options, frontend net.Listener, db *config.SQL) error {
	s.address = frontend.Addr().String()
	p, err := reservePorts(o.IP, frontend)
	if err != nil {
		return err
	}
	if s.temporal, err = runTemporal(serverOptions(o, p, db, s.log)); err != nil {
		return err
	}
	return s.waitReady(ctx, o.Namespace)
}

// runTemporal returns as an error what the server meant to end the process with,
// above all a port taken since it was found free.
func runTemporal(options []temporal.ServerOption) (server temporal.Server, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fatalError:
			server, err = nil, p
		default:
			panic(p)
		}
	}()
	if server, err = temporal.NewServer(options...); err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

func (s *Server) waitReady(ctx context.Context, namespace string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // it takes milliseconds
	defer cancel()
	s.conn, err = grpc.NewClient("passthrough:///"+s.address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20))) // a long history in the Web UI, whose own limit this is
	if err != nil {
		return err
	}
	client := workflowservice.NewWorkflowServiceClient(s.conn)
	for {
		_, err := client.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
			Namespace: namespace,
			Execution: &commonpb.WorkflowExecution{WorkflowId: "no such workflow"},
		}, grpc.WaitForReady(true))
		if _, ok := errors.AsType[*serviceerror.NotFound](serviceerror.FromStatus(status.Convert(err))); ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) startUI(o Options) error {
	if s.uiListen == nil {
		return nil
	}
	handler, err := uiHandler(s.conn, o.Namespace)
	if err != nil {
		return fmt.Errorf("start the Temporal Web UI: %w", err)
	}
	s.ui = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	s.uiURL = "http://" + s.uiListen.Addr().String()
	go func() {
		if err := s.ui.Serve(s.uiListen); !errors.Is(err, http.ErrServerClosed) {
			o.Logger.Error("the Temporal Web UI stopped", "error", err)
		}
	}()
	return nil
}

// Address is the server's gRPC address, host:port.
func (s *Server) Address() string { return s.address }

// UIURL is the Web UI's address, without a slash at the end; empty without UI.
func (s *Server) UIURL() string { return s.uiURL }

// Stop ends the server; calling it again does nothing. Workflows stay in the
// file and go on at the next Start.
func (s *Server) Stop() { s.stop.Do(s.shutdown) }

func (s *Server) shutdown() {
	s.log.running.Store(false)
	var errs []error
	if s.ui != nil {
		errs = append(errs, s.ui.Close())
	} else if s.uiListen != nil {
		errs = append(errs, s.uiListen.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.temporal != nil {
		errs = append(errs, s.temporal.Stop())
	}
	if s.path != "" {
		errs = append(errs, foldLog(s.path))
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		s.log.out.Error("stop the Temporal server", "error", err)
	}
}
