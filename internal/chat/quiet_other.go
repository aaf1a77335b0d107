//go:build !unix

package chat

import "net"

// quiet takes every connection for one that can be used; see the other of this
// name.
func quiet(net.Conn) func() bool { return func() bool { return true } }
