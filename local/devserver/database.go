package devserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
)

// stamp tells what wrote a file. Patch releases of the server keep the storage
// format, so they may open each other's files.
type stamp struct {
	server, schema, visibility string
}

var current = stamp{headers.ServerVersion, sqliteschema.Version, sqliteschema.VisibilityVersion}

func (s stamp) String() string {
	return fmt.Sprintf("Temporal server %s (schema %s, visibility %s)", s.server, s.schema, s.visibility)
}

func (s stamp) opens(file stamp) bool {
	return minor(s.server) == minor(file.server) && s.schema == file.schema && s.visibility == file.visibility
}

// minor is a version without its patch number.
func minor(version string) string {
	return version[:max(0, strings.LastIndexByte(version, '.'))]
}

// resolve is the one spelling of a database's path: locks and URIs are made of it.
func resolve(file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	switch real, err := filepath.EvalSymlinks(path); {
	case err == nil:
		return real, nil
	case errors.Is(err, os.ErrNotExist):
		return path, nil
	default:
		return "", err
	}
}

// uriPath is path as the path of a SQLite URI, which has no host part.
func uriPath(path string) string {
	return (&url.URL{Path: path}).EscapedPath()
}

func open(path string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+uriPath(path)+"?_pragma=busy_timeout=10000&_txlock=immediate")
}

// prepareFile makes the schema in a file that has none, and otherwise refuses
// one that this server cannot read.
func prepareFile(ctx context.Context, path string) (err error) {
	db, err := open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()

	var tables int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil {
		return err
	}
	if tables > 0 {
		return checkStamp(ctx, tx)
	}
	if err := sqliteschema.SetupSchemaOnDB(schemaTx{tx: tx}); err != nil {
		return err
	}
	if err := writeStamp(ctx, tx, current); err != nil {
		return err
	}
	return tx.Commit()
}

func writeStamp(ctx context.Context, tx *sql.Tx, s stamp) error {
	if _, err := tx.ExecContext(ctx, `CREATE TABLE nightshift_stamp (server TEXT NOT NULL, schema TEXT NOT NULL, visibility TEXT NOT NULL)`); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO nightshift_stamp VALUES (?, ?, ?)`, s.server, s.schema, s.visibility)
	return err
}

func checkStamp(ctx context.Context, tx *sql.Tx) error {
	var tables int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'nightshift_stamp'`).Scan(&tables)
	if err != nil {
		return err
	}
	if tables == 0 {
		return errors.New("a SQLite database that nightshift did not make: use another file")
	}
	var file stamp
	err = tx.QueryRowContext(ctx, `SELECT server, schema, visibility FROM nightshift_stamp`).Scan(&file.server, &file.schema, &file.visibility)
	if err != nil {
		return fmt.Errorf("read its version: %w", err)
	}
	if !current.opens(file) {
		return fmt.Errorf("written by %s, and this is %s, which cannot convert it: finish its jobs with the nightshift that wrote it, or use a new file and apply schedules again", file, current)
	}
	return nil
}

// schemaTx lets the server's schema run in a transaction. Only Exec is called.
type schemaTx struct {
	sqlplugin.AdminDB
	tx *sql.Tx
}

func (s schemaTx) Exec(stmt string, args ...any) error {
	_, err := s.tx.Exec(stmt, args...)
	return err
}

// foldLog moves what the write-ahead log holds into the file, so that the file
// alone is the database.
func foldLog(path string) (err error) {
	db, err := open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}

var starts atomic.Int64

// sqlConfig describes the database at path, or one in memory that nobody else
// has if path is empty. Attributes that SQLite does not know as URI parameters
// become pragmas, and those have no underscore in front.
//
// The plugin opens one connection. Four are slower (500 activities a second
// instead of 600) and fail many transactions, which begin as readers and find
// themselves overtaken ("database is locked") when they come to write.
func sqlConfig(path string) *config.SQL {
	start := strconv.FormatInt(starts.Add(1), 10)
	if path == "" {
		return &config.SQL{
			PluginName:        sqlite.PluginName,
			DatabaseName:      "nightshift-" + start,
			ConnectAttributes: map[string]string{"mode": "memory", "cache": "shared"},
		}
	}
	return &config.SQL{
		PluginName:   sqlite.PluginName,
		DatabaseName: uriPath(path),
		ConnectAttributes: map[string]string{
			"mode":         "rw",
			"journal_mode": "wal",
			"synchronous":  "normal",
			"busy_timeout": "10000", // milliseconds
			"setup":        start,   // neither SQLite nor the plugin minds it: makes the connection string unique
		},
		MaxConnLifetime: time.Minute,
	}
}
