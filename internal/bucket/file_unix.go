//go:build unix

package bucket

import (
	"io/fs"
	"os"
	"syscall"
)

// inode tells a file from its replacement of equal size and time.
func inode(info fs.FileInfo) uint64 {
	if status, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(status.Ino)
	}
	return 0
}

// syncFolder makes a rename survive a crash of the machine.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
