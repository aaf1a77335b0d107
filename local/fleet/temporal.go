package fleet

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // the plugin that DB and SQL_PLUGIN name
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/tools/sql"

	"github.com/nightshift-run/nightshift/deploy/compose"
	"github.com/nightshift-run/nightshift/local/parts"
)

// The commands that the program must have, besides those of package parts.
// SchemaCommand takes the arguments of temporal-sql-tool, ServerCommand none,
// CloudCommand an address and how many requests it answers a second.
const (
	SchemaCommand = "part-schema"
	ServerCommand = "part-temporal-server"
	CloudCommand  = "part-cloud"
)

// RunSchemaTool is temporal-sql-tool. It ends the process where it fails.
func RunSchemaTool(args []string) error {
	return sql.RunTool(append([]string{"temporal-sql-tool"}, args...))
}

// ServeTemporal is temporal-server as its image starts it: configured by the
// environment. It serves until ctx ends, and writes a line to out when it does.
func ServeTemporal(ctx context.Context, out io.Writer) error {
	configured, err := config.Load(config.WithEmbedded())
	if err != nil {
		return err
	}
	configured.Log.Stdout = false // but to stderr
	server, err := temporal.NewServer(
		temporal.WithConfig(configured),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(configured.Log))),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	<-ctx.Done()
	return server.Stop()
}

// schemas are the databases with the names of their schemas in the tool.
var schemas = [][2]string{{"temporal", "postgresql/v12/temporal"}, {"temporal_visibility", "postgresql/v12/visibility"}}

// setUpSchemas does what deploy/compose/schema.sh does.
func (w *world) setUpSchemas(ctx context.Context) error {
	host, port, err := net.SplitHostPort(w.database.address)
	if err != nil {
		return err
	}
	env := []string{
		"SQL_PLUGIN=postgres12", "SQL_HOST=" + host, "SQL_PORT=" + port,
		"SQL_USER=" + databaseUser, "SQL_PASSWORD=" + databasePassword,
	}
	for _, schema := range schemas {
		for _, args := range [][]string{
			{"create-database"},
			{"setup-schema", "-v", "0.0"},
			{"update-schema", "--schema-name", schema[1]},
		} {
			args = append([]string{SchemaCommand, "--db", schema[0]}, args...)
			if _, err := w.command(ctx, env, args...); err != nil {
				return fmt.Errorf("set up the schema: %w", err)
			}
		}
	}
	return nil
}

// temporalPorts are the variables of temporal-server that hold its ports. Those
// of its membership must be below 32768, as its database keeps them.
var temporalPorts = []string{
	"FRONTEND_GRPC_PORT", "FRONTEND_MEMBERSHIP_PORT", "FRONTEND_HTTP_PORT",
	"MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT", "HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT",
	"WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT",
}

// newTemporal prepares the server, and returns its address.
func (w *world) newTemporal() (p *parts.Process, address string, err error) {
	_, databasePort, err := net.SplitHostPort(w.database.address)
	if err != nil {
		return nil, "", err
	}
	dynamic := filepath.Join(w.Dir, "dynamicconfig.yaml")
	if err := os.WriteFile(dynamic, compose.DynamicConfig, 0o600); err != nil {
		return nil, "", err
	}
	p = w.part("temporal", ServerCommand)
	p.Ready = true
	p.Env = append(p.Env,
		"DB=postgres12", "POSTGRES_SEEDS=127.0.0.1", "DB_PORT="+databasePort,
		"POSTGRES_USER="+databaseUser, "POSTGRES_PWD="+databasePassword,
		"NUM_HISTORY_SHARDS=64", "BIND_ON_IP=127.0.0.1", "LOG_LEVEL=error", "DYNAMIC_CONFIG_FILE_PATH="+dynamic)
	for i, variable := range temporalPorts {
		at, err := parts.FreePort()
		if err != nil {
			return nil, "", err
		}
		_, port, err := net.SplitHostPort(at)
		if err != nil {
			return nil, "", err
		}
		if i == 0 {
			address = at
		}
		p.Env = append(p.Env, variable+"="+port)
	}
	return p, address, nil
}
