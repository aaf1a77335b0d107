package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/urfave/cli/v2"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"github.com/nightshift-run/nightshift/internal/bucket"
)

// temporalFlags say which Temporal server to talk to. Whatever they leave out
// comes from Temporal's own variables and profile file, as for its CLI.
func temporalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "address", Usage: "Temporal's `HOST:PORT`; otherwise the profile file says it", EnvVars: []string{"TEMPORAL_ADDRESS"}},
		&cli.StringFlag{Name: "namespace", Usage: "Temporal `NAMESPACE`", EnvVars: []string{"TEMPORAL_NAMESPACE"}},
		&cli.StringFlag{Name: "profile", Usage: "`PROFILE` of Temporal's configuration file", EnvVars: []string{"TEMPORAL_PROFILE"}},
		apiKeyFlag(), encryptionKeysFlag(),
		&cli.StringFlag{Name: "web-ui", Usage: "`URL` of Temporal's Web UI, for links", EnvVars: []string{"NIGHTSHIFT_WEB_UI"}},
	}
}

// storeFlags say how to reach the object store. Credentials come from the usual
// AWS places: variables, shared configuration, instance roles.
func storeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "s3-endpoint", Usage: "`URL` of an S3-compatible server; without it AWS", EnvVars: []string{"NIGHTSHIFT_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}},
		&cli.StringFlag{Name: "s3-region", Usage: "`REGION` of the buckets", EnvVars: []string{"NIGHTSHIFT_S3_REGION"}},
		&cli.StringFlag{Name: "s3-sse-kms-key", Usage: "encrypt what is written with this AWS KMS `KEY`, an id or ARN", EnvVars: []string{"NIGHTSHIFT_S3_SSE_KMS_KEY"}},
		&cli.BoolFlag{Name: "s3-requester-pays", Usage: "pay for requests to buckets of others that ask for it", EnvVars: []string{"NIGHTSHIFT_S3_REQUESTER_PAYS"}},
		&cli.StringFlag{Name: "temp-dir", Usage: "`DIR` for work that does not fit in memory", EnvVars: []string{"NIGHTSHIFT_TEMP_DIR"}},
	}
}

// session is one connection to Temporal.
type session struct {
	client.Client
	address   string
	namespace string
	webUI     string
}

// connect dials Temporal as the flags and the environment say.
func connect(c *cli.Context, logger *slog.Logger) (*session, error) {
	options, err := temporalOptions(c, logger)
	if err != nil {
		return nil, err
	}
	dialed, err := client.DialContext(c.Context, options)
	if err != nil {
		return nil, fmt.Errorf("no Temporal server at %s: %w\ntry: go run ./local dev, or set TEMPORAL_ADDRESS", options.HostPort, err)
	}
	return newSession(c, dialed, options), nil
}

// connectLater is connect for who can wait for the server: it makes no call.
func connectLater(c *cli.Context, logger *slog.Logger, change func(*client.Options) error) (*session, error) {
	options, err := temporalOptions(c, logger)
	if err != nil {
		return nil, err
	}
	if err := change(&options); err != nil {
		return nil, err
	}
	dialing, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	return newSession(c, dialing, options), nil
}

func temporalOptions(c *cli.Context, logger *slog.Logger) (client.Options, error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{ConfigFileProfile: c.String("profile")})
	if err != nil {
		return options, badInput(fmt.Errorf("read Temporal's configuration: %w", err))
	}
	options.HostPort = cmp.Or(c.String("address"), options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(c.String("namespace"), options.Namespace, client.DefaultNamespace)
	options.Logger = log.NewStructuredLogger(logger)
	options.ConnectionOptions.DialOptions = []grpc.DialOption{noServiceConfig}
	return options, errors.Join(useAPIKeyFile(c, &options), useEncryption(c, &options))
}

// noServiceConfig spares a look-up of a TXT record before each connection, by which
// gRPC lets a name server say how it balances. Temporal's servers have no such
// record, and where names from outside are not answered at all, as in a closed
// network, the look-up takes longer than connecting may.
var noServiceConfig = grpc.WithDisableServiceConfig()

func newSession(c *cli.Context, connected client.Client, options client.Options) *session {
	return &session{
		Client: connected, address: options.HostPort, namespace: options.Namespace,
		webUI: cmp.Or(c.String("web-ui"), guessWebUI(options.HostPort)),
	}
}

// guessWebUI is where a development server on this machine has its Web UI:
// a thousand ports above its own.
func guessWebUI(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	number, portErr := net.LookupPort("tcp", port)
	if ip := net.ParseIP(host); err != nil || portErr != nil || !(host == "localhost" || ip.IsLoopback()) {
		return ""
	}
	return fmt.Sprintf("http://%s", net.JoinHostPort(host, fmt.Sprint(number+1000)))
}

// openStore makes the object store's client; it makes no call.
func openStore(ctx context.Context, c *cli.Context) (*bucket.Store, error) {
	return bucket.New(ctx, storeOptions(c))
}

// openCountedStore is openStore, and counts the bytes of objects.
func openCountedStore(c *cli.Context, traffic func(read, written int)) (*bucket.Store, error) {
	options := storeOptions(c)
	options.Traffic = traffic
	return bucket.New(c.Context, options)
}

func storeOptions(c *cli.Context) bucket.Options {
	return bucket.Options{
		Endpoint: c.String("s3-endpoint"), Region: c.String("s3-region"),
		KMSKey: c.String("s3-sse-kms-key"), RequesterPays: c.Bool("s3-requester-pays"),
	}
}
