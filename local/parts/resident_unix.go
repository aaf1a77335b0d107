//go:build unix

package parts

import (
	"os"
	"runtime"
	"syscall"
)

// resident is the most bytes that were resident at a time.
func resident(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
