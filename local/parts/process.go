// Package parts runs what a test world is made of, a Temporal server, an S3
// server, workers, as processes of their own that can be killed and started
// again.
package parts

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
	"syscall"
	"time"
)

// Process is a program that is killed and started again.
type Process struct {
	Name    string // of its log file
	Program string
	Args    []string
	Env     []string
	Logs    string // directory of log files
	Ready   bool   // it prints a line once it serves

	// Attributes are the system's, such as the user that it runs as; nil is none.
	Attributes *syscall.SysProcAttr

	command *exec.Cmd // nil while it does not run
	used    Use
}

// Use is what a process has used, all its lives together.
type Use struct {
	Processor time.Duration
	Memory    int64 // most bytes that it held until it was told to end; 0 where the system does not tell
}

// startPatience bounds how long a process may take until it serves: seconds, on a
// machine that has nothing else to do.
const startPatience = 5 * time.Minute

// startTries is how often a program that did not come to serve is started, as
// whatever watches over it on a server would: Temporal gives up when a machine is
// so busy that it is not up in time.
const startTries = 3

// Start runs the program, and returns when it serves.
func (p *Process) Start(ctx context.Context) (err error) {
	for range startTries {
		if err = p.attempt(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (p *Process) attempt(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(p.Logs, p.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(p.Program, p.Args...)
	command.Env, command.Stderr, command.SysProcAttr = p.Env, log, p.Attributes
	var out io.Reader
	if p.Ready {
		if out, err = command.StdoutPipe(); err != nil {
			return err
		}
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.command = command
	if !p.Ready {
		return nil
	}
	// A child that hangs is killed, which ends the read.
	defer context.AfterFunc(ctx, func() { _ = command.Process.Kill() })()
	defer time.AfterFunc(startPatience, func() { _ = command.Process.Kill() }).Stop()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return errors.Join(fmt.Errorf("%s said %q and ended; its log is %s", p.Name, line, log.Name()), p.Kill())
	}
	return nil
}

// Kill is kill -9; it returns when the process is gone. Of one that does not
// run there is nothing to kill.
func (p *Process) Kill() error { return p.Stop(os.Kill) }

// Strike is kill -9 without waiting, so that several can die at once.
func (p *Process) Strike() error {
	p.weigh()
	return p.command.Process.Kill()
}

// Stop sends the signal and returns when the process is gone.
func (p *Process) Stop(signal os.Signal) error {
	if p.command == nil {
		return nil
	}
	p.weigh()
	err := p.command.Process.Signal(signal)
	_ = p.command.Wait() // says that it was killed
	if state := p.command.ProcessState; state != nil {
		p.used.Processor += state.UserTime() + state.SystemTime()
	}
	p.command = nil
	return err
}

// weigh reads the memory of a process that is about to end.
func (p *Process) weigh() { p.used.Memory = max(p.used.Memory, MemoryOf(p.command.Process.Pid).Most) }

// Used is what those lives of the process have used that are over.
func (p *Process) Used() Use { return p.used }

// Until polls until the condition holds.
func Until(ctx context.Context, condition func() bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// nextPort starts anywhere, so that two runs on one machine seldom meet.
var nextPort = func() *atomic.Int32 {
	var port atomic.Int32
	port.Store(20000 + rand.Int32N(10000))
	return &port
}()

// FreePort returns an address on loopback whose port stays ours while the process that listens there
// is dead: below those that systems hand out to whoever asks for any.
func FreePort() (string, error) {
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
