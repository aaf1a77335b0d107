package deaths

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// process is a program that is killed and started again.
type process struct {
	name  string // of its log file
	args  []string
	ready bool // it prints a line once it serves
	log   string

	program string
	env     []string
	command *exec.Cmd // nil while it does not run
}

// startPatience bounds how long a process may take until it serves.
const startPatience = 3 * time.Minute

// startTries is how often a program that did not come to serve is started, as
// whatever watches over it on a server would: Temporal gives up when a machine is
// so busy that it is not up in time.
const startTries = 3

// start runs the program, and returns when it serves.
func (p *process) start(ctx context.Context) (err error) {
	for range startTries {
		if err = p.attempt(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (p *process) attempt(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(p.log, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(p.program, p.args...)
	command.Env, command.Stderr = p.env, log
	var out io.Reader
	if p.ready {
		if out, err = command.StdoutPipe(); err != nil {
			return err
		}
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.command = command
	if !p.ready {
		return nil
	}
	// A child that hangs is killed, which ends the read.
	defer context.AfterFunc(ctx, func() { _ = command.Process.Kill() })()
	defer time.AfterFunc(startPatience, func() { _ = command.Process.Kill() }).Stop()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return errors.Join(fmt.Errorf("%s said %q and ended; its log is %s", p.name, line, log.Name()), p.kill())
	}
	return nil
}

// kill is kill -9; it returns when the process is gone. Of one that does not
// run there is nothing to kill.
func (p *process) kill() error {
	if p.command == nil {
		return nil
	}
	err := p.command.Process.Kill()
	_ = p.command.Wait() // says that it was killed
	p.command = nil
	return err
}

// nextPort starts anywhere, so that two runs on one machine seldom meet.
var nextPort = func() *atomic.Int32 {
	var port atomic.Int32
	port.Store(20000 + rand.Int32N(10000))
	return &port
}()

// freePort returns a port that stays ours while the process that listens there
// is dead: below those that systems hand out to whoever asks for any.
func freePort() (string, error) {
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(20000+(nextPort.Add(1)-20000)%12000)))
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		return address, listener.Close()
	}
	return "", errors.New("no free port between 20000 and 32000")
}
