package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/nightshift-run/nightshift/local/parts"
)

// The account of the databases.
const (
	databaseUser     = "temporal"
	databasePassword = "temporal"
)

// ErrNoPostgres is what [Run] returns where PostgreSQL is not installed.
var ErrNoPostgres = errors.New("PostgreSQL is not installed; on Debian: apt-get install postgresql")

// postgresPrograms is the directory of PostgreSQL's programs, of the newest
// version that there is.
func postgresPrograms() (string, error) {
	if found, err := exec.LookPath("initdb"); err == nil {
		if found, err = filepath.EvalSymlinks(found); err == nil {
			return filepath.Dir(found), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian puts them
	if err != nil || len(found) == 0 {
		return "", ErrNoPostgres
	}
	return filepath.Dir(slices.Max(found)), nil
}

// database is a PostgreSQL cluster of our own.
type database struct {
	*parts.Process
	programs string
	dir      string
	address  string
	owner    owner
}

// newDatabase makes a cluster in a new directory; remove must be called, also
// after an error. It is not started yet.
func newDatabase(ctx context.Context, logs string) (d *database, err error) {
	d = &database{}
	if d.programs, err = postgresPrograms(); err != nil {
		return d, err
	}
	if d.owner, err = findOwner(); err != nil {
		return d, err
	}
	if d.dir, err = os.MkdirTemp("", "nightshift-postgres-*"); err != nil {
		return d, err
	}
	if err := d.owner.take(d.dir); err != nil {
		return d, err
	}
	if d.address, err = parts.FreePort(); err != nil {
		return d, err
	}
	host, port, err := net.SplitHostPort(d.address)
	if err != nil {
		return d, err
	}
	d.Process = &parts.Process{
		Name: "postgres", Program: filepath.Join(d.programs, "postgres"), Logs: logs, Env: d.environment(), Attributes: d.owner.attributes(),
		Args: []string{"-D", d.cluster(), "-p", port, "-h", host, "-k", d.dir, "-c", "max_connections=100"},
	}
	return d, d.make(ctx)
}

func (d *database) cluster() string { return filepath.Join(d.dir, "cluster") }

func (d *database) environment() []string { return []string{"PATH=" + d.programs, "LC_ALL=C"} }

// make runs initdb, which refuses a directory that is not empty.
func (d *database) make(ctx context.Context) error {
	password := filepath.Join(d.dir, "password")
	if err := os.WriteFile(password, []byte(databasePassword), 0o600); err != nil {
		return err
	}
	if err := d.owner.take(password); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, filepath.Join(d.programs, "initdb"), "-D", d.cluster(),
		"--username", databaseUser, "--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync")
	command.Env, command.Dir, command.SysProcAttr = d.environment(), d.dir, d.owner.attributes()
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// start returns when the server takes connections.
func (d *database) start(ctx context.Context) error {
	if err := d.Process.Start(ctx); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(d.address)
	if err != nil {
		return err
	}
	return parts.Until(ctx, func() bool {
		ask := exec.CommandContext(ctx, filepath.Join(d.programs, "pg_isready"), "-h", host, "-p", port)
		ask.Env = d.environment()
		return ask.Run() == nil
	})
}

// stop is a fast shutdown: connections are cut and their transactions rolled
// back.
func (d *database) stop() error {
	if d.Process == nil {
		return nil
	}
	return d.Process.Stop(os.Interrupt)
}

func (d *database) remove() error {
	err := d.stop()
	if d.dir == "" {
		return err
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}
