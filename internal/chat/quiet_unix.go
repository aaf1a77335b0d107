//go:build unix

package chat

import (
	"net"
	"syscall"
)

// quiet returns a function that tells, without waiting, whether there is nothing
// to be read from a connection: no byte, and no end. One system call, by which
// a request is kept from a connection that the server has closed meanwhile.
func quiet(connection net.Conn) func() bool {
	socket, ok := connection.(syscall.Conn)
	if !ok {
		return func() bool { return true }
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	var nothing bool
	var buffer [1]byte
	look := func(descriptor uintptr) bool {
		_, err := syscall.Read(int(descriptor), buffer[:])
		nothing = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true
	}
	return func() bool { return raw.Read(look) == nil && nothing }
}
