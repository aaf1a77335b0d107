package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// View shows a job's progress: one line that is written over in a terminal,
// else a line when the phase changes and every plainEvery.
type View struct {
	out      io.Writer
	terminal bool
	began    time.Time
	phase    jobs.Phase
	printed  time.Time
	rate     rate
}

const plainEvery = 10 * time.Second

// NewView returns a view that writes to out.
func NewView(out io.Writer) *View {
	return &View{out: out, terminal: isTerminal(out)}
}

// isTerminal reports whether a stream is a person's: an *os.File that is a
// terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Show shows a snapshot.
func (v *View) Show(s Snapshot) {
	if v.began.IsZero() {
		v.began = s.At
	}
	v.rate.add(s)
	changed := s.Phase != v.phase
	v.phase = s.Phase
	line := v.line(s)
	switch {
	case v.terminal && changed:
		fmt.Fprintf(v.out, "\r\x1b[K%s", line)
	case v.terminal:
		fmt.Fprintf(v.out, "\r\x1b[K%s", line)
	case changed || s.At.Sub(v.printed) >= plainEvery:
		fmt.Fprintln(v.out, line)
		v.printed = s.At
	}
}

// Close leaves the last line standing.
func (v *View) Close() {
	if v.terminal && !v.began.IsZero() {
		fmt.Fprintln(v.out)
	}
}

func (v *View) line(s Snapshot) string {
	parts := []string{fmt.Sprintf("%7s  %-10s", short(s.At.Sub(v.began)), s.Phase)}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if s.Counts.Total > 0 {
		add("%s/%s lines", grouped(s.Counts.Done()), grouped(s.Counts.Total))
	}
	if s.Phase == jobs.Running {
		requests, tokens := v.rate.perSecond()
		add("%.0f req/s  %s tok/s  %d in flight", requests, grouped(int64(tokens)), s.InFlight)
	}
	if s.Counts.Failed > 0 {
		add("%s failed", grouped(s.Counts.Failed))
	}
	if s.Endpoint != "" && s.Phase != jobs.Running {
		add("endpoint %s", s.Endpoint)
	}
	if gpu := billedSoFar(s); gpu > 0 {
		add("GPU %s", short(gpu))
	}
	if s.NoWorker {
		add("no worker answers; start one with: nightshift worker")
	}
	return strings.Join(parts, "  ")
}

// billedSoFar is the GPU time of the open rental.
func billedSoFar(s Snapshot) time.Duration {
	until := s.At
	if !s.Rental.StopAsked.IsZero() {
		until = s.Rental.StopAsked
	}
	seconds := s.Rental.Meter.ReplicaSeconds(time.Time{}, until) * float64(s.Rental.GPUs)
	return time.Duration(seconds * float64(time.Second))
}

// rate is the throughput over the last few snapshots.
type rate struct{ window []Snapshot }

// rateWindow is how many snapshots a rate looks back.
const rateWindow = 6

func (r *rate) add(s Snapshot) {
	r.window = append(r.window, s)
	if len(r.window) > rateWindow {
		r.window = r.window[1:]
	}
}

func (r *rate) perSecond() (requests, tokens float64) {
	first, last := r.window[0], r.window[len(r.window)-1]
	seconds := last.At.Sub(first.At).Seconds()
	if seconds <= 0 {
		return 0, 0
	}
	return max(0, float64(last.Counts.Done()-first.Counts.Done())/seconds), max(0, float64(last.Tokens-first.Tokens)/seconds)
}
