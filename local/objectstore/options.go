package objectstore

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
)

// DefaultAddress is where people expect a local S3 server.
const DefaultAddress = "127.0.0.1:9000"

// Options says what to serve and where. Only Dir is needed.
type Options struct {
	// Dir holds everything, and is made if absent.
	Dir string

	// Address is a loopback IP address and a port, of which 0 takes a free one;
	// default DefaultAddress.
	Address string

	// AccessKey and SecretKey are those of the one account. If both are empty, they
	// are made up once and kept in a file below Dir.
	AccessKey, SecretKey string

	// Guests are further accounts, secret keys by access key. They may do what bucket
	// policies let them, and nothing else.
	Guests map[string]string

	// Region is what requests must be signed for; default us-east-1.
	Region string

	// Buckets are made if absent.
	Buckets []string

	// Logger gets what goes wrong inside the server; nil discards it.
	Logger *slog.Logger
}

func (o Options) withDefaults() (_ Options, err error) {
	o.Address = cmp.Or(o.Address, DefaultAddress)
	o.Region = cmp.Or(o.Region, "us-east-1")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Dir == "" {
		return o, errors.New("no directory given")
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return o, err
	}
	if (o.AccessKey == "") != (o.SecretKey == "") {
		return o, errors.New("access key and secret key go together: give both or neither")
	}
	if at, err := netip.ParseAddrPort(o.Address); err != nil || !at.Addr().IsLoopback() {
		return o, fmt.Errorf("address %q is not a loopback address with a port", o.Address)
	}
	return o, nil
}
