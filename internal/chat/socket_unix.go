//go:build unix

package chat

import (
	"io"
	"net"
	"syscall"
)

// socket is a connection's file descriptor, for what net has no word for.
type socket struct {
	raw     syscall.RawConn // nil where there is none, as in tests
	message *[]byte         // being written; nil once it is
	written int
	failed  error
	asked   bool
	nothing bool
	buffer  [1]byte
	look    func(descriptor uintptr) bool
	write   func(descriptor uintptr) bool
}

func newSocket(connection net.Conn) *socket {
	s := &socket{}
	s.look, s.write = s.lookOnce, s.writeOnce
	if one, ok := connection.(syscall.Conn); ok {
		s.raw, _ = one.SyscallConn()
	}
	return s
}

// quiet tells, without waiting, whether there is nothing to be read: no byte, and
// no end. One system call, by which a request is kept from a connection that the
// server has closed meanwhile.
func (s *socket) quiet() bool {
	return s.raw == nil || s.raw.Read(s.look) == nil && s.nothing
}

func (s *socket) lookOnce(descriptor uintptr) bool {
	_, err := syscall.Read(int(descriptor), s.buffer[:])
	s.nothing = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	return true
}

// ask writes a message of writers, gives it back, and waits until there is
// something to be read. net's own Read would try to read at once, when no server
// can have answered yet: a system call more. An error of the writing is not the
// end: there may be an answer.
func (s *socket) ask(connection io.Writer, message *[]byte) (writing, waiting error) {
	s.message, s.written, s.failed, s.asked = message, 0, nil, false
	if s.raw != nil {
		waiting = s.raw.Read(s.write)
	}
	if s.message == nil {
		return s.failed, waiting
	}
	if s.failed == nil && waiting == nil {
		_, s.failed = connection.Write((*message)[s.written:])
	}
	s.message = nil
	writers.Put(message)
	return s.failed, waiting
}

// writeOnce writes as much as there is room for, and is called again when there
// is something to be read, to return true. Returning true at once leaves the rest
// to net.
func (s *socket) writeOnce(descriptor uintptr) bool {
	if s.asked {
		return true
	}
	s.asked = true
	n, err := syscall.Write(int(descriptor), *s.message)
	s.written = max(n, 0)
	if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
		s.failed = err
	}
	if s.written < len(*s.message) {
		return true
	}
	writers.Put(s.message)
	s.message = nil
	return false
}
