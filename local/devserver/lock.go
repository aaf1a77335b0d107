package devserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// lockFile takes the lock that guards the database at path, or says who holds
// it. The lock is on a sibling file because SQLite's own locks are on the
// database. The sibling stays behind: removing it would let two processes hold
// locks on two files of one name.
func lockFile(path string) (*os.File, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = writePID(f)
	} else if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("in use by %s (it holds %s): stop it or use another file", readPID(f), name)
	} else {
		err = fmt.Errorf("lock %s: %w", name, err)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(f, "%d\n", os.Getpid())
	return err
}

// readPID names the holder of the lock, which may not have written its pid yet.
func readPID(f *os.File) string {
	pid, err := io.ReadAll(io.LimitReader(f, 20))
	if pid = bytes.TrimSpace(pid); err != nil || len(pid) == 0 {
		return "another process"
	}
	return "process " + string(pid)
}
