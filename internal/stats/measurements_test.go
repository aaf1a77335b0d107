package stats

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var began = time.Unix(1_790_000_000, 0)

// tries are random ones over a stretch of time.
func tries(random *rand.Rand, n int, over time.Duration) []Try {
	all := make([]Try, n)
	for i := range all {
		all[i] = Try{
			Began: began.Add(rand.N(over)), Took: time.Duration(random.ExpFloat64() * float64(time.Second)),
			Kind: Kind(random.IntN(5)), Final: random.IntN(2) == 0, InputTokens: random.Int64N(100), OutputTokens: random.Int64N(100),
		}
	}
	return all
}

func measure(tries ...Try) *Measurements {
	var m Measurements
	for _, try := range tries {
		m.Add(try)
	}
	return &m
}

// TestMeasurements_MergeInAnyOrder splits tries at random, merges the parts in
// random order, some of them by way of JSON, and wants what one recorder of all
// would have.
func TestMeasurements_MergeInAnyOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		all := tries(random, 1+random.IntN(60), time.Duration(1+random.Int64N(1<<random.IntN(50))))
		parts := make([]*Measurements, 1+random.IntN(6))
		for i := range parts {
			parts[i] = &Measurements{}
		}
		for _, try := range all {
			parts[random.IntN(len(parts))].Add(try)
		}
		for len(parts) > 1 {
			i := random.IntN(len(parts) - 1)
			parts[i].Merge(parts[i+1])
			if random.IntN(2) == 0 {
				parts[i] = again(t, parts[i])
			}
			parts = append(parts[:i+1], parts[i+2:]...)
		}
		if want := measure(all...); !same(parts[0], want) {
			t.Fatalf("round %d:\n%s\nwant\n%s", round, text(t, parts[0]), text(t, want))
		}
	}
}

func text(t *testing.T, m *Measurements) []byte {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func again(t *testing.T, m *Measurements) *Measurements {
	t.Helper()
	var read Measurements
	if err := json.Unmarshal(text(t, m), &read); err != nil {
		t.Fatal(err)
	}
	return &read
}

func same(a, b *Measurements) bool {
	return a.Results == b.Results && a.Tries == b.Tries && a.Latency == b.Latency && a.Speed == b.Speed &&
		a.Series.width == b.Series.width && a.Series.first == b.Series.first &&
		(len(a.Series.points) == 0 && len(b.Series.points) == 0 || reflect.DeepEqual(a.Series.points, b.Series.points))
}

func TestMeasurements_Count(t *testing.T) {
	t.Parallel()
	at := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * 1e9)) }
	m := measure(
		Try{Began: at(0.5), Took: 2 * time.Second, Kind: Answered, Final: true, InputTokens: 5, OutputTokens: 10},
		Try{Began: at(1), Took: 500 * time.Millisecond, Kind: Throttled},
		Try{Began: at(2), Took: 500 * time.Millisecond, Kind: Refused, Final: true},
		Try{Began: at(2), Took: 250 * time.Millisecond, Kind: Failed},
		Try{Began: at(2.25), Took: 250 * time.Millisecond, Kind: Failed, Final: true},
		Try{Began: at(2), Kind: Gone},
	)
	want := Measurements{Results: 3, Tries: Tries{Sent: 6, Refused: 1, Failed: 2, Throttled: 1, Gone: 1}}
	want.Latency.Add(2)
	want.Speed.Add(5)
	want.Series = Series{width: 1, first: began.Unix(), points: []Point{
		{Micros: 500_000}, {Micros: 1_500_000, Again: 1}, {Micros: 1_500_000, Requests: 3, InputTokens: 5, OutputTokens: 10, Again: 2},
	}}
	if !same(m, &want) {
		t.Errorf("%s\nwant\n%s", text(t, m), text(t, &want))
	}
}

// FuzzSeries_IsBounded adds two tries at any times, and wants few points and
// nothing lost.
func FuzzSeries_IsBounded(f *testing.F) {
	f.Add(int64(0), int64(0), int64(1), int64(1))
	f.Add(int64(-1), int64(1<<62), int64(1<<62), int64(-5))
	f.Add(int64(1_790_000_000_000_000), int64(90_000_000), int64(1_790_000_600_000_000), int64(1))
	f.Fuzz(func(t *testing.T, first, firstTook, second, secondTook int64) {
		var s Series
		s.Add(time.UnixMicro(first), time.Duration(firstTook), Point{Requests: 1})
		s.Add(time.UnixMicro(second), time.Duration(secondTook), Point{Requests: 1})
		var requests int64
		for _, point := range s.Points() {
			requests += point.Requests
		}
		if len(s.points) > maxPoints || cap(s.points) > maxPoints || requests != 2 {
			t.Fatalf("%d requests in %d points", requests, len(s.points))
		}
		var read Series
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &read); err != nil || read.width != s.width || read.first != s.first || len(read.points) != len(s.points) {
			t.Errorf("read %s as %+v: %v", written, read, err)
		}
	})
}

func TestSeries_RefusesWhatItNeverWrote(t *testing.T) {
	t.Parallel()
	const from = `{"from":"2026-11-24T00:00:00Z",`
	for _, text := range []string{
		from + `"seconds":3,"points":[{}]}`, from + `"seconds":0,"points":[{}]}`, from + `"seconds":-2,"points":[{}]}`,
		from + `"seconds":1,"points":[{}` + strings.Repeat(",{}", maxPoints) + `]}`,
		`{"from":"2026-11-24T00:00:01Z","seconds":2,"points":[{}]}`, `{"from":"0001-01-01T00:00:00Z","seconds":1,"points":[{}]}`, `[]`,
	} {
		var s Series
		if err := json.Unmarshal([]byte(text), &s); err == nil {
			t.Errorf("%s was read as %+v", text, s)
		}
	}
}

func TestRecorder_SnapshotsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	var r Recorder
	var adding sync.WaitGroup
	for range 4 {
		adding.Go(func() {
			for range 500 {
				r.Add(Try{Began: began, Took: time.Second, Final: true})
				_ = r.Snapshot()
			}
		})
	}
	adding.Wait()
	before := r.Snapshot()
	r.Add(Try{Began: began, Took: time.Second, Final: true})
	if after := r.Snapshot(); before.Results != 2000 || after.Results != 2001 || before.Series.points[1].Requests != 2000 || before.Attempts != 1 {
		t.Errorf("%+v, then %+v", before, after)
	}
}

func TestRecorder_DoesNotAllocate(t *testing.T) {
	var r Recorder
	at := began
	allocated := testing.AllocsPerRun(2000, func() {
		at = at.Add(50 * time.Millisecond)
		r.Add(Try{Began: at, Took: 3 * time.Second, Final: true, OutputTokens: 50})
	})
	if allocated > 0 {
		t.Errorf("%v allocations a request", allocated)
	}
}

func BenchmarkRecorder(b *testing.B) {
	var r Recorder
	for i := 0; b.Loop(); i++ {
		r.Add(Try{Began: began.Add(time.Duration(i) * time.Millisecond), Took: 3 * time.Second, Final: true, InputTokens: 100, OutputTokens: 50})
	}
}

func TestFaults_AreBounded(t *testing.T) {
	t.Parallel()
	var f Faults
	for i := range 1000 {
		f.Add(fmt.Sprintf("code_%d", i%40), func() string { return fmt.Sprintf("r-%d", i) })
	}
	f.Add("HTTP 422", func() string { return strings.Repeat("ü", 512) })
	f.Add("HTTP 422", func() string { return "r-x" })
	list := f.List()
	if len(list) != maxClasses+1 || list[0].Class != otherClass || list[0].Count != 1000/2+2 {
		t.Errorf("%d classes, first %+v", len(list), list[0])
	}
	var count int64
	for _, fault := range list {
		count += fault.Count
		if len(fault.Examples) > maxExamples {
			t.Errorf("%+v", fault)
		}
	}
	if count != 1002 {
		t.Errorf("%d errors are counted", count)
	}
}

func TestFaults_ShowsNoTexts(t *testing.T) {
	t.Parallel()
	var f Faults
	for _, class := range []string{"tell me a joke", "<b>", "", strings.Repeat("x", 81), "HTTP 500 sorry", "naïve"} {
		f.Add(class, func() string { return strings.Repeat("ü", 512) })
	}
	list := f.List()
	if len(list) != 1 || list[0].Class != otherClass || list[0].Count != 6 || len(list[0].Examples) != 3 {
		t.Errorf("%+v", list)
	}
	if got := []rune(list[0].Examples[0]); len(got) != maxName {
		t.Errorf("an example of %d characters", len(got))
	}
	written, err := json.Marshal(f)
	var read Faults
	if err != nil || json.Unmarshal(written, &read) != nil || !reflect.DeepEqual(read.List(), list) {
		t.Errorf("%s becomes %+v, %v", written, read, err)
	}
}
