//go:build !unix

package bucket_test

import "os"

// makePipe makes a folder where the system has no pipes in folders.
func makePipe(path string) error { return os.Mkdir(path, 0o700) }
