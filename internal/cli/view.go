package cli

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/nightshift-run/nightshift/jobs"
)

// View shows a job's progress: in a terminal a bar and what there is to say
// below it, which are written over, else a line when the phase changes and
// every plainEvery.
type View struct {
	out     io.Writer
	began   time.Time
	printed time.Time
	rate    rate

	bars *mpb.Progress // nil when out is no terminal
	bar  *mpb.Bar

	mu   sync.Mutex // the bar is drawn by a goroutine of the library's
	last Snapshot
}

const plainEvery = 10 * time.Second

// redrawEvery is for the clock; a snapshot comes about every second.
const redrawEvery = 500 * time.Millisecond

// NewView returns a view that writes to out.
func NewView(out io.Writer) *View {
	v := &View{out: out}
	if isTerminal(out) {
		terminal := out.(*os.File)
		console := cupwriter.New(fromTheLeft{terminal}, false)
		console.SetTermFd(int(terminal.Fd()))
		v.bars = mpb.New(mpb.WithConsoleWriter(console), mpb.WithRefreshRate(redrawEvery), mpb.WithAutoRefresh())
	}
	return v
}

// fromTheLeft begins what moves the cursor up at the beginning of the line:
// terminals write ^C wherever the cursor is.
type fromTheLeft struct{ io.Writer }

func (w fromTheLeft) Write(text []byte) (int, error) {
	if bytes.HasPrefix(text, []byte("\x1b[")) {
		if _, err := io.WriteString(w.Writer, "\r"); err != nil {
			return 0, err
		}
	}
	return w.Writer.Write(text)
}

// isTerminal reports whether a stream is a person's, at a terminal that can
// write over what it has written.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && os.Getenv("TERM") != "dumb" && cupwriter.New(file, false).IsTerminal()
}

// Show shows a snapshot.
func (v *View) Show(s Snapshot) {
	v.mu.Lock()
	if v.began.IsZero() {
		v.began = s.At
	}
	v.rate.add(s)
	changed := s.Phase != v.last.Phase
	v.last = s
	v.mu.Unlock()
	switch {
	case v.bars != nil:
		v.draw(s)
	case changed || s.At.Sub(v.printed) >= plainEvery:
		_, _ = io.WriteString(v.out, v.line(s)+"\n") // a closed terminal ends no job
		v.printed = s.At
	}
}

// Write writes lines above the progress.
func (v *View) Write(lines []byte) (int, error) {
	if v.bars != nil {
		return v.bars.Write(lines)
	}
	return v.out.Write(lines)
}

// Close leaves the last state standing. Nothing may be shown afterwards.
func (v *View) Close() {
	if v.bar != nil {
		v.bar.Abort(false)
	}
	if v.bars != nil {
		v.bars.Wait()
	}
}

func (v *View) draw(s Snapshot) {
	if v.bar == nil {
		v.bar = v.bars.New(0, mpb.BarStyle(), mpb.BarFillerTrim(),
			mpb.PrependDecorators(decor.Any(v.heading)),
			mpb.AppendDecorators(decor.Any(v.counted)),
			mpb.BarBtmExtender(v.detail(0), v.detail(1), v.detail(2), v.detail(3)))
	}
	v.bar.SetTotal(max(1, s.Counts.Total), false)
	v.bar.SetCurrent(s.Counts.Done())
}

// heading stands before the bar, counted behind it.
func (v *View) heading(decor.Statistics) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return phaseOf(v.last) + " "
}

func (v *View) counted(s decor.Statistics) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return " " + joinFitting(v.counts(v.last), s.AvailableWidth-1-leastBar)
}

// leastBar is a bar's width below which it says nothing.
const leastBar = 12

// detail is one of the lines below the bar; it is none where there is less to
// say.
func (v *View) detail(line int) mpb.BarFiller {
	return mpb.BarFillerFunc(func(w io.Writer, s decor.Statistics) error {
		v.mu.Lock()
		now := v.last
		now.At = now.At.Add(min(time.Since(now.At), staleAfter)) // the clock goes on between snapshots
		lines := wrapParts(v.parts(now), s.AvailableWidth)
		v.mu.Unlock()
		if line >= len(lines) {
			return nil
		}
		_, err := io.WriteString(w, lines[line]+"\n")
		return err
	})
}

// staleAfter is when the clock stops if no snapshot comes.
const staleAfter = 5 * time.Second

// rate is the throughput over the last few snapshots.
type rate struct{ window []Snapshot }

// A rate looks back so many snapshots; what is left is estimated by more, so
// that it does not jump.
const (
	rateWindow = 6
	restWindow = 30
)

func (r *rate) add(s Snapshot) {
	if len(r.window) > 0 && s.Phase != r.window[0].Phase { // what came before says nothing about this phase
		r.window = nil
	}
	if r.window = append(r.window, s); len(r.window) > restWindow {
		r.window = r.window[1:]
	}
}

// perSecond is the throughput over the last n snapshots.
func (r *rate) perSecond(n int) (requests, tokens float64) {
	window := r.window[max(0, len(r.window)-n):]
	if len(window) == 0 {
		return 0, 0
	}
	first, last := window[0], window[len(window)-1]
	seconds := last.At.Sub(first.At).Seconds()
	if seconds <= 0 {
		return 0, 0
	}
	return max(0, float64(last.Counts.Done()-first.Counts.Done())/seconds), max(0, float64(last.Tokens-first.Tokens)/seconds)
}

// left is how long the rest takes at this pace; 0 if nobody can tell.
func (r *rate) left(s Snapshot) time.Duration {
	requests, _ := r.perSecond(restWindow)
	if requests == 0 || s.Phase != jobs.Running {
		return 0
	}
	return seconds(float64(s.Counts.Total-s.Counts.Done()) / requests)
}
