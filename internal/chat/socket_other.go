//go:build !unix

package chat

import (
	"io"
	"net"
)

// socket is what other systems have no such system calls for.
type socket struct{}

func newSocket(net.Conn) *socket { return &socket{} }

// quiet cannot be told here without waiting.
func (*socket) quiet() bool { return true }

// ask writes a message of writers, and gives it back.
func (*socket) ask(connection io.Writer, message *[]byte) (writing, waiting error) {
	_, writing = connection.Write(*message)
	writers.Put(message)
	return writing, nil
}
