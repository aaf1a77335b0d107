package report

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Plots are drawn on a canvas of 1000 by 100 that the page stretches.
const (
	canvasWidth  = 1000
	canvasHeight = 100
)

// tick is a label on an axis, at so many percent of its length.
type tick struct {
	At   string
	Text string
	Edge string // "first" or "last" where the label must not stick out
}

// coordinate writes a number for SVG and CSS.
func coordinate(v float64) string { return trimmed(strconv.FormatFloat(v, 'f', 2, 64)) }

// roundMax is the end of an axis that holds a value: 1, 2, 2.5 or 5 times a
// power of ten.
func roundMax(value float64) float64 {
	if value <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if value <= factor*power*(1+1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

// heightTicks label an axis from 0 to top, from the top down.
func heightTicks(top float64) []tick {
	return []tick{{At: "0", Text: short(top)}, {At: "50", Text: short(top / 2)}, {At: "100", Text: "0"}}
}

// steps are the distances between times on an axis, each with its unit.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// maxTimeTicks is how many labels find room on a phone.
const maxTimeTicks = 5

// timeTicks label an axis of time between two moments, counted from zero.
func timeTicks(zero, from, to time.Time) []tick {
	span := to.Sub(from)
	if span <= 0 {
		return nil
	}
	step := steps[len(steps)-1]
	for _, candidate := range steps {
		if span/candidate <= maxTimeTicks {
			step = candidate
			break
		}
	}
	for span/step > maxTimeTicks {
		step *= 2
	}
	var ticks []tick
	begin := from.Sub(zero)
	first := (begin + step - 1) / step * step
	if begin <= 0 {
		first = begin / step * step
	}
	for at := first; at <= begin+span; at += step {
		ticks = append(ticks, placed(float64(at-begin)/float64(span), clockAxis(at, step)))
	}
	return ticks
}

func placed(share float64, text string) tick {
	t := tick{At: coordinate(100 * share), Text: text}
	switch {
	case share < 0.03:
		t.Edge = "first"
	case share > 0.97:
		t.Edge = "last"
	}
	return t
}

// clockAxis writes a time since the start, as exactly as the distance of labels
// needs it: 45 s, 1:30, 15 min, 1 h 15, 2 d.
func clockAxis(at, step time.Duration) string {
	switch {
	case at == 0:
		return "0"
	case at%(24*time.Hour) == 0:
		return fmt.Sprintf("%d d", at/(24*time.Hour))
	case at%time.Hour == 0:
		return fmt.Sprintf("%d h", at/time.Hour)
	case at > time.Hour:
		return fmt.Sprintf("%d h %02d", at/time.Hour, at%time.Hour/time.Minute)
	case step >= time.Minute:
		return fmt.Sprintf("%d min", at/time.Minute)
	case at < time.Minute:
		return fmt.Sprintf("%d s", at/time.Second)
	}
	return fmt.Sprintf("%d:%02d", at/time.Minute, at%time.Minute/time.Second)
}

// ratios are the round values on axes of equal ratio.
var ratios = []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500,
	1000, 2000, 5000, 10000}

// timeRatios are the same in seconds, in words of time from a minute on.
var timeRatios = []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1200,
	3600, 7200, 14400}

// ratioTicks label an axis of equal ratio between two values, with the round
// values that lie between them, at most five.
func ratioTicks(from, to float64, round []float64, text func(float64) string) []tick {
	var within []float64
	for _, value := range round {
		if value >= from && value <= to {
			within = append(within, value)
		}
	}
	each := (len(within) + maxTimeTicks - 1) / maxTimeTicks
	var ticks []tick
	for i := 0; i < len(within); i += each {
		share := math.Log(within[i]/from) / math.Log(to/from)
		ticks = append(ticks, placed(share, text(within[i])))
	}
	return ticks
}
