package parts

import (
	"bytes"
	"fmt"
	"os"
)

// Memory is what a process holds in memory, in bytes: now, and the most at any
// time since its program started. Both are 0 for a process that is gone, and on a
// system without Linux' /proc. What a parent learns of a child that has ended is
// no use: Linux counts what the parent itself held before the child's program
// was loaded.
type Memory struct{ Now, Most int64 }

// MemoryOf reads them.
func MemoryOf(pid int) Memory {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Memory{}
	}
	return Memory{Now: field(status, "VmRSS:"), Most: field(status, "VmHWM:")}
}

// field is the value of a line such as "VmRSS:  1234 kB", in bytes.
func field(status []byte, name string) (value int64) {
	_, after, _ := bytes.Cut(status, []byte(name))
	_, _ = fmt.Sscan(string(after), &value) // 0 where the line is not there
	return value << 10
}
