package devserver

import (
	"fmt"
	"net"
	"runtime"
	"strconv"
)

// listen binds ip:port and, where the port is taken, names the flag that moves
// it.
func listen(ip string, port int, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("%w: stop what uses the port or choose another with %s", err, flag)
	}
	return l, nil
}

// reservePort gives up l and returns its port, which the server then binds by
// number: it cannot be given a listener. On Linux a port whose accepted
// connection was closed from this side stays in TIME_WAIT for a minute, during
// which the kernel gives it to nobody who asks for any port, while binding it by
// number works. Other systems hand out ports in turn and need no such care.
func reservePort(l net.Listener) (int, error) {
	defer l.Close()
	if runtime.GOOS == "linux" {
		far, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return 0, err
		}
		defer far.Close()
		near, err := l.Accept()
		if err != nil {
			return 0, err
		}
		if err := near.Close(); err != nil {
			return 0, err
		}
	}
	return l.Addr().(*net.TCPAddr).Port, nil
}
