package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/internal/stats"
)

// plot is one chart: an area on the canvas, its axes, and what a pointer that
// rests on it is told.
type plot struct {
	Title   string
	Note    string // beside the title: the values that matter
	Class   string // of its colour
	Area    string // path, closed
	Line    string // path along its top
	Bars    []bar
	Marks   []mark
	Hits    []bar // invisible, for the pointer
	Heights []tick
	Ticks   []tick
}

// bar is a rectangle on the canvas.
type bar struct {
	X, Y, Width, Height string
	Class, Title        string
}

// mark is a line across the canvas.
type mark struct{ X, Title string }

// newBar is a bar in shares of the canvas' width and height, from the bottom.
func newBar(from, to, height float64, class, title string) bar {
	return bar{
		X: coordinate(from * canvasWidth), Width: coordinate((to - from) * canvasWidth),
		Y: coordinate((1 - height) * canvasHeight), Height: coordinate(height * canvasHeight),
		Class: class, Title: title,
	}
}

// overTime draws one figure of a series over the time that it spans.
func overTime(series *stats.Series, zero time.Time, title, unit, class string, value func(stats.Point) float64) plot {
	points, width := series.Points(), series.Width()
	values := make([]float64, len(points))
	highest, sum := 0.0, 0.0
	for i, point := range points {
		values[i] = value(point)
		highest, sum = max(highest, values[i]), sum+values[i]
	}
	top := roundMax(highest)
	p := plot{Title: title, Class: class, Heights: heightTicks(top)}
	p.Line, p.Area = steppedPath(values, top)
	p.Note = fmt.Sprintf("mean %s, highest %s", number(sum/float64(max(1, len(values)))), number(highest))
	for i, v := range values {
		at := series.Start().Add(time.Duration(i) * width)
		share := 1 / float64(len(values))
		p.Hits = append(p.Hits, newBar(float64(i)*share, float64(i+1)*share, 1, "", fmt.Sprintf("%s, for %s: %s %s", clock(at), took(width), number(v), unit)))
	}
	p.Ticks = timeTicks(zero, series.Start(), series.Start().Add(time.Duration(len(points))*width))
	return p
}

// steppedPath draws values of equal width side by side: the line along their
// tops, and the area below it.
func steppedPath(values []float64, top float64) (line, area string) {
	var path strings.Builder
	share := canvasWidth / float64(max(1, len(values)))
	for i, value := range values {
		y := coordinate((1 - value/top) * canvasHeight)
		command := "V" + y
		if i == 0 {
			command = "M0 " + y
		}
		path.WriteString(command + "H" + coordinate(float64(i+1)*share))
	}
	if path.Len() == 0 {
		return "", ""
	}
	line = path.String()
	return line, line + fmt.Sprintf("V%dH0Z", canvasHeight)
}

// throughput draws requests, tokens and requests in flight over time.
func throughput(measured *stats.Measurements, zero time.Time) []plot {
	series := &measured.Series
	if len(series.Points()) == 0 {
		return nil
	}
	width := series.Width().Seconds()
	plots := []plot{
		overTime(series, zero, "Results a second", "results/s", "c-requests", func(p stats.Point) float64 { return float64(p.Requests) / width }),
		overTime(series, zero, "Tokens a second, in and out", "tokens/s", "c-tokens", func(p stats.Point) float64 { return float64(p.InputTokens+p.OutputTokens) / width }),
		overTime(series, zero, "Requests in flight", "in flight", "c-flight", func(p stats.Point) float64 { return float64(p.Micros) / 1e6 / width }),
	}
	if measured.Tries.Throttled+measured.Tries.Failed+measured.Tries.Gone > 0 {
		plots = append(plots, overTime(series, zero, "Tries that had to be repeated, a second", "tries/s", "c-again",
			func(p stats.Point) float64 { return float64(p.Again) / width }))
	}
	return plots
}

// leastBuckets is how many buckets a histogram's axis has at least, so that a
// single value does not fill it.
const leastBuckets = 12

// distribution draws a histogram over an axis of equal ratio.
func distribution(h *stats.Histogram, title, class string, round []float64, text func(float64) string) *plot {
	buckets := h.Buckets()
	if len(buckets) == 0 {
		return nil
	}
	ratio := math.Exp2(0.25)
	pad := max(1, (leastBuckets-len(buckets)+1)/2)
	n := float64(len(buckets) + 2*pad)
	from := buckets[0].UpTo * math.Pow(ratio, -float64(pad+1))
	var most int64
	for _, bucket := range buckets {
		most = max(most, bucket.Count)
	}
	top := roundMax(float64(most))
	p := &plot{Title: title, Class: class, Heights: heightTicks(top)}
	for i, bucket := range buckets {
		left := float64(i+pad) / n
		words := fmt.Sprintf("%s to %s: %s answers, %s", text(bucket.UpTo/ratio), text(bucket.UpTo), grouped(bucket.Count), percent(float64(bucket.Count), float64(h.Count())))
		p.Bars = append(p.Bars, newBar(left+0.06/n, left+0.94/n, float64(bucket.Count)/top, "", words))
		p.Hits = append(p.Hits, newBar(left, left+1/n, 1, "", words))
	}
	p.Ticks = ratioTicks(from, from*math.Pow(ratio, n), round, text)
	for _, q := range []struct {
		share float64
		name  string
	}{{0.5, "half are below"}, {0.9, "90 % are below"}, {0.99, "99 % are below"}} {
		at := math.Log2(h.Quantile(q.share)/from) * 4 / n
		p.Marks = append(p.Marks, mark{X: coordinate(min(max(at, 0), 1) * canvasWidth), Title: q.name + " " + text(h.Quantile(q.share))})
	}
	p.Note = fmt.Sprintf("median %s, 90 %% %s, 99 %% %s, all %s to %s",
		text(h.Quantile(0.5)), text(h.Quantile(0.9)), text(h.Quantile(0.99)), text(h.Min()), text(h.Max()))
	return p
}
