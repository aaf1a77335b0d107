package objectstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// What lies below Options.Dir.
const (
	bucketsDir      = "buckets"
	metadataDir     = "metadata" // only where extended attributes do not work
	accountsDir     = "accounts" // of guests
	credentialsFile = "credentials.json"
)

// ErrRunning is what [Start] returns while the process runs a store.
var ErrRunning = errors.New("this process runs an object store already, and can run only one")

var running atomic.Bool

// Server is a running object store.
type Server struct {
	address string
	region  string
	keys    credentials
	data    string // where the buckets are
	back    string // the working directory before Start
	stop    sync.Once
	conns   *connections
	cancel  context.CancelFunc // ends the gateway
	done    chan error         // what the gateway ended with
	log     *slog.Logger
}

// Start serves o.Dir until Stop; when it returns, requests are answered and the
// buckets exist. It changes the working directory of the process until Stop.
// Errors wrap ErrRunning where a store runs already, and name the address where
// that is taken. ctx bounds the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("start the object store: %w", err)
	}
	if !running.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("start the object store in %s: %w", o.Dir, ErrRunning)
	}
	s, err := start(ctx, o)
	if err != nil {
		running.Store(false)
		return nil, fmt.Errorf("start the object store in %s: %w", o.Dir, err)
	}
	return s, nil
}

func start(ctx context.Context, o Options) (*Server, error) {
	data := filepath.Join(o.Dir, bucketsDir)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	s := &Server{region: o.Region, data: data, keys: credentials{o.AccessKey, o.SecretKey}, log: o.Logger}
	if o.AccessKey == "" {
		var err error
		if s.keys, err = loadCredentials(filepath.Join(o.Dir, credentialsFile)); err != nil {
			return nil, err
		}
	}
	attributes, err := newAttributes(data, filepath.Join(o.Dir, metadataDir))
	if err != nil {
		return nil, err
	}
	if s.back, err = os.Getwd(); err != nil {
		return nil, err
	}
	accounts, err := s.accounts(filepath.Join(o.Dir, accountsDir), o.Guests)
	if err != nil {
		return nil, err
	}
	if err := s.listen(o.Address, data, attributes, accounts); err != nil {
		return nil, errors.Join(err, os.Chdir(s.back))
	}
	if err := s.createBuckets(ctx, o.Buckets); err != nil {
		s.shutdown()
		return nil, err
	}
	return s, nil
}

// listen runs the gateway at address. The gateway cannot be given a listener, so
// a free port is found by binding it, and lost with some bad luck.
func (s *Server) listen(address, data string, attributes meta.MetadataStorer, accounts auth.IAMService) error {
	for attempt := 1; ; attempt++ {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("%w: stop what uses the port or choose another", err)
		}
		s.address = l.Addr().String()
		if err := l.Close(); err != nil {
			return err
		}
		err = s.run(data, attributes, accounts)
		if attempt == 5 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

// run returns once the gateway listens at s.address.
func (s *Server) run(data string, attributes meta.MetadataStorer, accounts auth.IAMService) error {
	back, err := posix.New(data, attributes, posix.PosixOpts{CopyObjectThreshold: 5 << 30})
	if err != nil {
		return err
	}
	listening := make(chan struct{})
	s.conns = newConnections(s.log)
	config := &embedgw.Config{
		RootUserAccess: s.keys.AccessKey,
		RootUserSecret: s.keys.SecretKey,
		IAMService:     accounts,
		Region:         s.region,
		Ports:          []string{s.address},
		// Above what one machine's clients open; beyond it requests get a 503.
		MaxConnections:    8192,
		MaxRequests:       8192,
		MultipartMaxParts: 10_000, // as in S3
		KeepAlive:         true,
		Quiet:             true,
		S3Options: []s3api.Option{
			s3api.WithOnListen(func() { close(listening) }),
			s3api.WithMiddleware("/", s.conns.watch),
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan error, 1)
	go func() { s.done <- embedgw.RunVersityGW(ctx, files{back, s.log}, config) }()
	select {
	case <-listening:
		return nil
	case err := <-s.done:
		cancel()
		return err
	}
}

func (s *Server) createBuckets(ctx context.Context, names []string) error {
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint()),
		Region:       s.region,
		UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.keys.AccessKey, SecretAccessKey: s.keys.SecretKey}, nil
		}),
	})
	have, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return fmt.Errorf("list buckets: %w", err)
	}
	for _, name := range names {
		if slices.ContainsFunc(have.Buckets, func(b types.Bucket) bool { return *b.Name == name }) {
			continue
		}
		if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	return nil
}

// Endpoint is the store's URL, without a slash at the end. Buckets are part of
// the path, not of the host name.
func (s *Server) Endpoint() string { return "http://" + s.address }

// AccessKey is the key id that requests are signed with.
func (s *Server) AccessKey() string { return s.keys.AccessKey }

// SecretKey is the key that requests are signed with.
func (s *Server) SecretKey() string { return s.keys.SecretKey }

// Region is what requests are signed for.
func (s *Server) Region() string { return s.region }

// Path is the directory that holds a bucket's objects as files.
func (s *Server) Path(bucket string) string { return filepath.Join(s.data, bucket) }

// Stop lets requests under way end, for five seconds at most, and goes back to
// the working directory before Start. Calling it again does nothing.
func (s *Server) Stop() { s.stop.Do(s.shutdown) }

func (s *Server) shutdown() {
	s.conns.drain(5 * time.Second)
	s.cancel()
	err := errors.Join(<-s.done, os.Chdir(s.back))
	if err != nil {
		s.log.Error("stop the object store", "error", err)
	}
	running.Store(false)
}
