package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHistogram_QuantilesAreATenthOff(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var values []float64
	for range 5000 {
		value := math.Exp(random.NormFloat64()*1.5 + 1)
		values = append(values, value)
		h.Add(value)
	}
	slices.Sort(values)
	for _, q := range []float64{0.01, 0.1, 0.5, 0.9, 0.99, 0.999} {
		want := values[int(q*float64(len(values)))]
		if got := h.Quantile(q); math.Abs(got/want-1) > 0.1 {
			t.Errorf("quantile %v = %v, want about %v", q, got, want)
		}
	}
	if h.Min() != values[0] || h.Max() != values[len(values)-1] || h.Quantile(1) != h.Max() || h.Quantile(0) < h.Min() {
		t.Errorf("from %v to %v, quantiles from %v to %v", h.Min(), h.Max(), h.Quantile(0), h.Quantile(1))
	}
}

func TestHistogram_Edges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ value, min, max float64 }{
		{0, 0, 0}, {-3, 0, 0}, {1e-9, 1e-9, 1e-9}, {endOf(0), endOf(0), endOf(0)}, {1, 1, 1}, {16384, 16384, 16384},
		{1e12, 16384, 16384}, {math.Inf(1), 16384, 16384},
	} {
		var h Histogram
		h.Add(test.value)
		if h.Count() != 1 || h.Min() != test.min || h.Max() != test.max || h.Quantile(0.5) != test.min {
			t.Errorf("%v: %v to %v, median %v", test.value, h.Min(), h.Max(), h.Quantile(0.5))
		}
		for i, bucket := range h.Buckets() {
			if bucket.UpTo < test.max || bucket.Count != 1 || i > 0 {
				t.Errorf("%v lies in %+v", test.value, bucket)
			}
		}
	}
	var empty Histogram
	empty.Add(math.NaN())
	if empty != (Histogram{}) || empty.Quantile(0.5) != 0 || len(empty.Buckets()) != 0 {
		t.Errorf("what is no number was counted: %+v", empty)
	}
}

func FuzzHistogram_ReadsWhatItWrote(f *testing.F) {
	f.Add(0.0, 1.0, 16384.0)
	f.Add(0.0009765625, 0.00116, 1e300)
	f.Fuzz(func(t *testing.T, a, b, c float64) {
		var h, read Histogram
		for _, value := range []float64{a, b, b, c} {
			h.Add(value)
		}
		text, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &read); err != nil || read != h {
			t.Errorf("%s: %v\n%+v\n%+v", text, err, read, h)
		}
	})
}
