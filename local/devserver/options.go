package devserver

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
)

// The ports on which people and the Temporal tools expect a local server.
const (
	DefaultPort   = 7233 // gRPC
	DefaultUIPort = 8233 // Web UI
)

// NoUI as [Options.UIPort] leaves out the Web UI.
const NoUI = -1

// Options says what to serve and where. The zero value is an in-memory server
// on free ports.
type Options struct {
	// File is the SQLite file, made if absent; its directory must exist.
	// Empty keeps everything in memory.
	File string

	// IP is the loopback address to bind; default 127.0.0.1. Any other address
	// is refused: neither the server nor the Web UI asks who is calling.
	IP string

	// Port is the gRPC port, usually DefaultPort; 0 takes a free one.
	Port int

	// UIPort is the Web UI's port, usually DefaultUIPort; 0 takes a free one.
	UIPort int

	// Namespace is made if absent; default "default".
	Namespace string

	// Retention is how long closed workflows stay visible; default 30 days. It
	// applies to a file's existing namespace too.
	Retention time.Duration

	// SearchAttributes are added to the namespace where missing. SQLite has room
	// for 10 keywords and for 3 of each other type.
	SearchAttributes map[string]enumspb.IndexedValueType

	// ContinueAsNewAfter is how many events of history make the server suggest to
	// a workflow that it continue as new; 0 is Temporal's own number, 4,096.
	ContinueAsNewAfter int

	// Logger gets the server's warnings and errors as such while it runs, and all
	// else at debug level: starting and stopping are never without warnings. Nil
	// discards everything.
	Logger *slog.Logger
}

func (o Options) withDefaults() (Options, error) {
	o.IP = cmp.Or(o.IP, "127.0.0.1")
	o.Namespace = cmp.Or(o.Namespace, "default")
	o.Retention = cmp.Or(o.Retention, 30*24*time.Hour)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if ip, err := netip.ParseAddr(o.IP); err != nil || !ip.IsLoopback() {
		return o, fmt.Errorf("address %q is not a loopback address: the server has no authentication", o.IP)
	}
	return o, nil
}
