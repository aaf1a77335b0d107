package bucket

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
)

const (
	// maxAttempts with the waits of backoff spans 4 s on average, 9 s at most.
	maxAttempts = 8
	// maxBackoff caps the wait before one more attempt.
	maxBackoff = 4 * time.Second
	// readStall is how long a body may stand still before it is asked for
	// anew. A busy server pauses for seconds, a dead connection for ever.
	readStall = time.Minute
	// headerTimeout bounds the wait for an answer after the request is sent.
	// The slowest is the completion of a large upload on a server that copies.
	headerTimeout = 2 * time.Minute
	// idleConns lets some hundred concurrent shards reuse their connections;
	// the SDK's default of 10 closes all others after each request.
	idleConns = 256
)

// s3Store is the backend for S3. Its client is made on first use.
type s3Store struct {
	options Options
	stall   time.Duration
	buffers sync.Pool // of *[]byte for parts

	mu     sync.Mutex
	client *s3.Client
}

func newS3Store(o Options) *s3Store { return &s3Store{options: o, stall: readStall} }

// api returns the client. Loading reads files and the environment; a failure
// is not remembered, so that a repaired profile helps.
func (s *s3Store) api(ctx context.Context) (*s3.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	loaded, err := s.load(ctx)
	if err != nil {
		return nil, &credentialsError{err}
	}
	loaded.Credentials = namedCredentials{loaded.Credentials}
	s.client = s3.NewFromConfig(loaded, s.configure)
	return s.client, nil
}

// load makes the configuration. Who is given keys has no need of the profiles and
// variables of whoever runs the program; others have AWS' chain.
func (s *s3Store) load(ctx context.Context) (aws.Config, error) {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns = 0 // no limit over all hosts
		t.MaxIdleConnsPerHost = idleConns
		t.ResponseHeaderTimeout = headerTimeout
		t.DisableCompression = true // an unpacked body would not fit its offsets
	}).WithReadTimeout(0) // would also count while a large part goes up; see readStall
	silent := logging.Nop{} // what the SDK would log, its errors say as well
	if o := s.options; o.AccessKey != "" {
		given := credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")
		return aws.Config{Region: o.Region, Credentials: given, HTTPClient: transport, Logger: silent}, nil
	}
	chain := []func(*config.LoadOptions) error{config.WithHTTPClient(transport), config.WithLogger(silent)}
	if s.options.Region != "" {
		chain = append(chain, config.WithRegion(s.options.Region))
	}
	return config.LoadDefaultConfig(ctx, chain...)
}

// configure sets what is particular to S3.
//
// Checksums are left at "when required": since 2025 the SDK by default sends
// CRC trailers in aws-chunked encoding, which many S3-compatible servers
// refuse, and asks for checksums that cannot be verified over ranges. Over TLS
// the connection protects the bytes; over plain HTTP the signature covers the
// SHA-256 of each body.
func (s *s3Store) configure(o *s3.Options) {
	if s.options.Endpoint != "" {
		o.BaseEndpoint = aws.String(s.options.Endpoint)
	}
	o.Region = cmp.Or(o.Region, "us-east-1") // servers mostly do not care, and AWS answers where the bucket is
	o.UsePathStyle = s.options.PathStyle || o.BaseEndpoint != nil
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts = maxAttempts
		r.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return backoff(attempt), nil
		})
		// Attempts and waits bound the load already. The default, a quota
		// shared by all requests of the client, makes hundreds of them fail
		// without a second attempt because a few failed.
		r.RateLimiter = ratelimit.None
		r.Retryables = append(r.Retryables, retry.RetryableErrorCode{Codes: conflicts}, retry.IsErrorRetryableFunc(cutAnswer))
	})
	o.APIOptions = append(o.APIOptions, s.addHeaders)
	if s.options.MaxAttempts > 0 {
		o.RetryMaxAttempts = s.options.MaxAttempts
	}
	if s.options.HTTPClient != nil {
		o.HTTPClient = s.options.HTTPClient
	}
}

// conflicts are the codes by which a server asks, with status 409, to repeat a
// request that met another one.
var conflicts = map[string]struct{}{
	"ConditionalRequestConflict": {},
	"OperationAborted":           {},
	// Servers over a file system: a folder went away under a put, because the
	// last other object in it was deleted.
	"ExistingObjectIsDirectory": {},
}

// cutAnswer recognizes an answer whose connection was closed in its middle. The
// SDK tries again only where that came as a reset.
func cutAnswer(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// backoff returns how long to wait after the n-th failure, counted from 1:
// a random part of 100 ms, 200 ms and so on up to maxBackoff.
func backoff(n int) time.Duration {
	longest := min(100*time.Millisecond<<min(n-1, 10), maxBackoff)
	return rand.N(longest)
}

// wait returns after d, or with an error when ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// credentialsError marks errors of the AWS chain, whose own types are many.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// namedCredentials wraps a provider's errors in credentialsError.
type namedCredentials struct{ chain aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (c namedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.chain.Retrieve(ctx)
	if err != nil {
		return found, &credentialsError{err}
	}
	return found, nil
}
