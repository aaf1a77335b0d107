package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nightshift-run/nightshift/jobs"
)

// number writes a number with three digits at least, grouped by thousands:
// 0.0123, 1.23, 12.3, 123, 1,234.
func number(v float64) string {
	size := math.Abs(v)
	switch {
	case size >= 99.95:
		return grouped(int64(math.Round(v)))
	case size == 0:
		return "0"
	case size < 0.0005:
		return "< 0.001"
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(size))))
	return trimmed(strconv.FormatFloat(v, 'f', min(decimals, 3), 64))
}

// trimmed removes zeros behind the point.
func trimmed(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// grouped writes 1,234,567.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	from := 0
	if n < 0 {
		from = 1
	}
	for at := len(text) - 3; at > from; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// short writes 1.23M, 45.6k, 789: for axes.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return number(v/unit.size) + unit.name
		}
	}
	return number(v)
}

// took writes a duration: 340 ms, 16.6 s, 4 min 05 s, 3 h 07 min, 2 d 4 h.
func took(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d == 0:
		return "0 s"
	case d < 999500*time.Microsecond:
		return number(float64(d)/1e6) + " ms"
	case d < 59950*time.Millisecond:
		return number(d.Seconds()) + " s"
	case d < time.Hour-time.Second/2:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	d = d.Round(time.Hour)
	return fmt.Sprintf("%d d %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

func seconds(s float64) string { return took(time.Duration(s * float64(time.Second))) }

// minutes writes billed seconds as minutes, which is what providers bill.
func minutes(seconds float64) string {
	switch {
	case seconds == 0:
		return ""
	case seconds < 0.3:
		return "< 0.01"
	}
	return strconv.FormatFloat(seconds/60, 'f', 2, 64)
}

// moment writes a time; nothing for one that never was.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05 UTC")
}

func clock(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("15:04:05")
}

// cost leaves out what was not billed, and says so where the price is unknown.
func cost(money jobs.Money, billed float64) string {
	if billed == 0 {
		return ""
	}
	return money.String()
}

// size writes bytes: 826 kB.
func size(bytes int64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if float64(bytes) >= unit.size {
			return number(float64(bytes)/unit.size) + " " + unit.name
		}
	}
	return grouped(bytes) + " bytes"
}

// percent writes a share: 3.9 %. What is not quite all is not called all.
func percent(part, whole float64) string {
	if whole == 0 {
		return ""
	}
	share := 100 * part / whole
	text := number(math.Round(share*10) / 10)
	if share < 100 && text == "100" {
		text = "99.9"
	}
	if share > 0 && text == "0" {
		text = "< 0.1"
	}
	return text + " %"
}
