//go:build unix

package batchfile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childVariable makes the test binary plan ten million lines and say what that
// took, in a process of its own, since only a process has a peak of memory.
const childVariable = "BATCHFILE_PLAN_LINES"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := planInChild(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// processorTime is what this process has used of the processor. On a machine
// that is busy with other things it says more than the clock.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// perSecond runs something and returns its megabytes in a second of one core,
// garbage collection included.
func perSecond(size int, run func()) float64 {
	began := processorTime()
	run()
	return float64(size) / 1e6 / (processorTime() - began).Seconds()
}

// BenchmarkPlan plans 100,000 lines of 1 KB, plain and compressed, and beside
// each does no more than to find the ends of the lines, and no more than
// json.Valid on each, all in one run. Speeds are megabytes of text in a second
// of one core.
func BenchmarkPlan(b *testing.B) {
	text := benchFile(100_000)
	for _, c := range []struct {
		name string
		file []byte
	}{
		{"plain", text},
		{"gzip", []byte(gzipped(b, string(text)))},
		{"zstd", []byte(zstandard(b, string(text)))},
	} {
		b.Run(c.name, func(b *testing.B) {
			var plan, scan, valid float64
			for b.Loop() {
				plan += perSecond(len(text), func() { planOnce(b, c.file) })
				scan += perSecond(len(text), func() { scanOnce(b, text) })
				valid += perSecond(len(text), func() { validOnce(b, text) })
			}
			b.ReportMetric(plan/float64(b.N), "plan-MB/s")
			b.ReportMetric(scan/float64(b.N), "scan-MB/s")
			b.ReportMetric(plan/scan, "of-scan")
			b.ReportMetric(plan/valid, "of-json.Valid")
		})
	}
}

func planOnce(b *testing.B, file []byte) {
	plan, err := MakePlan(b.Context(), []Input{inMemory("bench", file)}, PlanOptions{SpillDir: b.TempDir(), Stage: io.Discard}, func(Shard) error { return nil })
	if err != nil || plan.ProblemCount != 0 || plan.Requests != 100_000 {
		b.Fatal(plan, err)
	}
}

func scanOnce(b *testing.B, text []byte) {
	lines, scanner := 0, bufio.NewScanner(bytes.NewReader(text))
	for scanner.Scan() {
		lines++
	}
	if lines != 100_000 {
		b.Fatal(lines, scanner.Err())
	}
}

func validOnce(b *testing.B, text []byte) {
	for line := range bytes.Lines(text) {
		if !json.Valid(line) {
			b.Fatal("not valid")
		}
	}
}

// BenchmarkPlan_TenMillionLines plans 10 GB that are made while they are read,
// with custom_ids that all differ, and reports the most memory that the process
// ever held.
func BenchmarkPlan_TenMillionLines(b *testing.B) {
	const lines = 10_000_000
	for b.Loop() {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", childVariable, lines), "TMPDIR="+b.TempDir())
		child.Stderr = os.Stderr
		out, err := child.Output()
		if err != nil {
			b.Fatal(err)
		}
		var peak, speed float64
		if _, err := fmt.Sscan(string(out), &peak, &speed); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(peak, "peak-MB")
		b.ReportMetric(speed, "plan-MB/s")
	}
}

func planInChild() error {
	var lines int
	if _, err := fmt.Sscan(os.Getenv(childVariable), &lines); err != nil {
		return err
	}
	began := processorTime()
	plan, err := MakePlan(context.Background(), []Input{generated(lines, benchLine(0))}, PlanOptions{}, func(Shard) error { return nil })
	if err != nil || !plan.Runs() || plan.Requests != int64(lines) {
		return fmt.Errorf("plan of %d requests with %d problems: %w", plan.Requests, plan.ProblemCount, err)
	}
	speed := float64(plan.Bytes) / 1e6 / (processorTime() - began).Seconds()
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	_, err = fmt.Println(peak, speed)
	return err
}

// peakMemory is the largest resident set of this process so far, in MB.
func peakMemory() (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes float64
	if _, err := fmt.Sscanf(after, "%f kB", &kilobytes); err != nil {
		return 0, fmt.Errorf("VmHWM: %w", err)
	}
	return kilobytes * 1024 / 1e6, nil
}
