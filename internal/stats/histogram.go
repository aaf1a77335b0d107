package stats

import (
	"encoding/json"
	"fmt"
	"math"
)

// A histogram's buckets end at powers of the fourth root of two, from lowest to
// highest: 1 ms to 4.6 hours, or 0.001 to 16,384 tokens per second.
const (
	perOctave = 4
	lowest    = -10 // exponents of two
	highest   = 14
	buckets   = (highest-lowest)*perOctave + 1
)

// Histogram counts values in buckets of equal ratio. The first bucket takes all
// that is below its end and the last all that is above its beginning. The zero
// value is empty; histograms of the same values are equal by ==.
type Histogram struct {
	counts    [buckets]int64
	total     int64
	low, high float64 // smallest and largest value; 0 when empty
}

// Bucket is a part of a histogram: so many values above the end of the bucket
// before, up to UpTo.
type Bucket struct {
	UpTo  float64 `json:"up_to"`
	Count int64   `json:"count"`
}

// Add counts a value. What is not a number is left out; negative ones are 0.
func (h *Histogram) Add(value float64) {
	if math.IsNaN(value) {
		return
	}
	value = min(max(value, 0), endOf(buckets-1))
	if h.total == 0 {
		h.low, h.high = value, value
	}
	h.low, h.high = min(h.low, value), max(h.high, value)
	h.counts[bucketOf(value)]++
	h.total++
}

// Merge adds the values of other.
func (h *Histogram) Merge(other *Histogram) {
	if other.total == 0 {
		return
	}
	if h.total == 0 {
		*h = *other
		return
	}
	for i, count := range other.counts {
		h.counts[i] += count
	}
	h.total += other.total
	h.low, h.high = min(h.low, other.low), max(h.high, other.high)
}

// Count is how many values there are.
func (h *Histogram) Count() int64 { return h.total }

// Min and Max are the smallest and the largest value; 0 when there is none.
func (h *Histogram) Min() float64 { return h.low }

// Max is the largest value.
func (h *Histogram) Max() float64 { return h.high }

// Quantile is the value below which the share q of the values lies, at most a
// tenth off; 0 when there is none.
func (h *Histogram) Quantile(q float64) float64 {
	rank := q * float64(h.total)
	var below int64
	for i, count := range h.counts {
		if count == 0 || float64(below+count) < rank {
			below += count
			continue
		}
		// Values are taken to lie evenly over the bucket's ratio.
		part := (rank - float64(below)) / float64(count)
		value := endOf(i) * math.Exp2((part-1)/perOctave)
		return min(max(value, h.low), h.high)
	}
	return h.high
}

// Buckets returns all buckets from the first that holds a value to the last.
func (h *Histogram) Buckets() []Bucket {
	var all []Bucket
	held := 0
	for i, count := range h.counts {
		if count == 0 && len(all) == 0 {
			continue
		}
		all = append(all, Bucket{UpTo: endOf(i), Count: count})
		if count > 0 {
			held = len(all)
		}
	}
	return all[:held]
}

func bucketOf(value float64) int {
	if value <= 0 {
		return 0
	}
	at := int(math.Ceil(math.Log2(value)*perOctave)) - lowest*perOctave
	return min(max(at, 0), buckets-1)
}

func endOf(bucket int) float64 { return math.Exp2(float64(bucket)/perOctave + lowest) }

// histogramJSON is a histogram for programs. Quantiles are for readers and not
// read back.
type histogramJSON struct {
	Count   int64    `json:"count"`
	Min     float64  `json:"min"`
	P50     float64  `json:"p50"`
	P90     float64  `json:"p90"`
	P99     float64  `json:"p99"`
	Max     float64  `json:"max"`
	Buckets []Bucket `json:"buckets"` // without empty ones
}

// MarshalJSON writes count, extremes, quantiles and the buckets that hold
// values.
func (h Histogram) MarshalJSON() ([]byte, error) {
	out := histogramJSON{Count: h.total, Min: h.low, Max: h.high, P50: h.Quantile(0.5), P90: h.Quantile(0.9), P99: h.Quantile(0.99), Buckets: []Bucket{}}
	for i, count := range h.counts {
		if count > 0 {
			out.Buckets = append(out.Buckets, Bucket{UpTo: endOf(i), Count: count})
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	var in histogramJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*h = Histogram{low: in.Min, high: in.Max}
	for _, bucket := range in.Buckets {
		if bucket.Count < 0 {
			return fmt.Errorf("a histogram's bucket holds %d values", bucket.Count)
		}
		// The middle of the bucket, so that rounding cannot move it.
		h.counts[bucketOf(bucket.UpTo*math.Exp2(-0.5/perOctave))] += bucket.Count
		h.total += bucket.Count
	}
	return nil
}
