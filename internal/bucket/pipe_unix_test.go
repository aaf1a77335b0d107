//go:build unix

package bucket_test

import "syscall"

// makePipe makes what lies in a folder and can be neither read whole nor listed.
func makePipe(path string) error { return syscall.Mkfifo(path, 0o600) }
