package parts

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"

	"github.com/nightshift-run/nightshift/internal/cli"
	"github.com/nightshift-run/nightshift/local/devserver"
	"github.com/nightshift-run/nightshift/local/objectstore"
)

// The account of the S3 server, and what else is said to reach it.
const (
	AccessKey = "nightshift"
	SecretKey = "nightshift-parts"
	Region    = "us-east-1" // what the server takes when nothing else is said
)

// ServeTemporal serves the database file at the address until ctx ends. It
// writes a line to out when it does. It is what the program runs for its
// command TemporalCommand.
func ServeTemporal(ctx context.Context, out io.Writer, file, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	server, err := devserver.Start(ctx, devserver.Options{
		File: file, Port: number, UIPort: devserver.NoUI,
		Logger: cli.NewLogger(os.Stderr, slog.LevelError),
	})
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Fprintln(out, "ready")
	<-ctx.Done()
	return nil
}

// ServeObjects serves the directory over S3 at the address until ctx ends, with
// these buckets made. It
// writes a line to out when it does. It is what the program runs for its
// command ObjectsCommand.
func ServeObjects(ctx context.Context, out io.Writer, dir, address string, buckets ...string) error {
	server, err := objectstore.Start(ctx, objectstore.Options{
		Dir: dir, Address: address, AccessKey: AccessKey, SecretKey: SecretKey, Buckets: buckets,
		Logger: cli.NewLogger(os.Stderr, slog.LevelError),
	})
	if err != nil {
		return err
	}
	defer server.Stop()
	fmt.Fprintln(out, "ready")
	<-ctx.Done()
	return nil
}

// The commands that a program must have, besides nightshift's own, to be run as
// these parts. Each takes the file or directory that it serves, and an address;
// ObjectsCommand takes buckets as well.
const (
	TemporalCommand = "part-temporal"
	ObjectsCommand  = "part-s3"
)
