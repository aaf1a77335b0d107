//go:build !unix

package fleet

import "syscall"

// owner is the user that PostgreSQL runs as: whoever calls.
type owner struct{}

func findOwner() (owner, error) { return owner{}, nil }

func (owner) take(string) error { return nil }

func (owner) attributes() *syscall.SysProcAttr { return nil }
