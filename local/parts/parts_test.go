package parts

import (
	"os"
	"runtime"
	"slices"
	"testing"
)

func TestEnviron(t *testing.T) {
	t.Setenv("AWS_PROFILE", "work")
	t.Setenv("TMPDIR", "/elsewhere")
	got := Environ("/world")
	if want := []string{"PATH=" + os.Getenv("PATH"), "HOME=/world", "TMPDIR=/elsewhere"}; !slices.Equal(got, want) {
		t.Errorf("environment %q, want %q", got, want)
	}
}

func TestMemoryOf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no /proc")
	}
	if held := MemoryOf(os.Getpid()); held.Now < 1<<20 || held.Most < held.Now {
		t.Errorf("this process holds %+v", held)
	}
	if held := MemoryOf(1 << 30); held != (Memory{}) { // no process has that number
		t.Errorf("no process holds %+v", held)
	}
}
