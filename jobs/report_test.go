package jobs

import (
	"math"
	"testing"
	"time"
)

// metered is a meter on which so many replicas were ready from a time on.
func metered(from float64, replicas int) Meter {
	return Meter{Steps: []Step{{At: at(from), Replicas: replicas}}, Until: at(from)}
}

func TestReport_Settle(t *testing.T) {
	t.Parallel()
	price := Money{36, "USD"}
	draining := metered(90, 2)
	draining.Read(at(130), 2)
	draining.Read(at(130), 1)
	report := Report{
		Phases: []PhaseTime{
			{Phase: Warming, Start: at(0), End: at(100)}, {Phase: Running, Start: at(100), End: at(200)},
			{Phase: Releasing, Start: at(200), End: at(210)}, {Phase: Collecting, Start: at(210), End: at(300)},
		},
		Rentals: []Rental{
			{
				Requested: at(0), Ready: at(92), FirstSent: at(93), DrainFrom: at(130), LastAnswer: at(148), StopAsked: at(150),
				GPUs: 1, Meter: draining, Price: price,
			},
			{Requested: at(155), Reason: "no capacity", StopAsked: at(158), Confirmed: at(158)},
			{Requested: at(155), Ready: at(160), StopAsked: at(205), Confirmed: at(206), GPUs: 4, Meter: metered(160, 1), Price: price},
			{Requested: at(240), StopAsked: at(250)},
		},
	}
	report.Settle()
	for i, want := range []float64{20, 60 + 20 + 4*40, 4 * 5, 0} {
		if got := report.Phases[i]; math.Abs(got.GPUSeconds-want) > 1e-9 {
			t.Errorf("%s: %v GPU seconds, want %v", got.Phase, got.GPUSeconds, want)
		}
	}
	for i, want := range []Spent{
		{Doing: Starting, Seconds: 92 + 3 + 5 + 10, ReplicaSeconds: 4, GPUSeconds: 4, Cost: Money{0.04, "USD"}},
		{Doing: Idle, Seconds: 1 + 2 + 45, ReplicaSeconds: 2 + 2 + 45, GPUSeconds: 2 + 2 + 4*45, Cost: Money{0.49, "USD"}},
		{Doing: Busy, Seconds: 37, ReplicaSeconds: 74, GPUSeconds: 74, Cost: Money{0.74, "USD"}},
		{Doing: Draining, Seconds: 18, ReplicaSeconds: 18, GPUSeconds: 18, Cost: Money{0.18, "USD"}},
		{Doing: ShuttingOff, Seconds: 1},
	} {
		got := report.Bill[i]
		if got.Doing != want.Doing || got.Cost.String() != want.Cost.String() || math.Abs(got.Seconds-want.Seconds) > 1e-9 ||
			math.Abs(got.ReplicaSeconds-want.ReplicaSeconds) > 1e-9 || math.Abs(got.GPUSeconds-want.GPUSeconds) > 1e-9 {
			t.Errorf("bill has\n %+v, want\n %+v", got, want)
		}
	}
	if report.Cost.String() != "1.45 USD" || math.Abs(report.GPUSeconds()-(100+180)) > 1e-9 {
		t.Errorf("%v GPU seconds cost %s", report.GPUSeconds(), report.Cost)
	}
	if want := 1 - (74.0+18)/(4+49+74+18); math.Abs(report.Wasted-want) > 1e-9 {
		t.Errorf("wasted %g, want %g", report.Wasted, want)
	}
	if len(report.Unconfirmed()) != 2 {
		t.Errorf("unconfirmed: %+v", report.Unconfirmed())
	}
}

func TestReport_SettleWithoutPrice(t *testing.T) {
	t.Parallel()
	known := Rental{Requested: at(0), Ready: at(1), StopAsked: at(3601), GPUs: 1, Meter: metered(1, 1), Price: Money{2, "USD"}}
	unknown, foreign := known, known
	unknown.Price, foreign.Price = Money{}, Money{3, "EUR"}
	for _, test := range []struct {
		rentals []Rental
		want    string
	}{
		{[]Rental{known, known}, "4.00 USD"},
		{[]Rental{known, unknown}, "unknown"},
		{[]Rental{unknown, known}, "unknown"},
		{[]Rental{known, foreign}, "unknown"},
		{[]Rental{known, {Requested: at(0), Confirmed: at(9)}}, "2.00 USD"}, // one that never served costs nothing
		{nil, "unknown"},
	} {
		report := Report{Rentals: test.rentals}
		if report.Settle(); report.Cost.String() != test.want {
			t.Errorf("%d rentals cost %s, want %s", len(test.rentals), report.Cost, test.want)
		}
	}
}

// TestRental_BillAddsUp: whatever times are missing, nothing is billed twice.
func TestRental_BillAddsUp(t *testing.T) {
	t.Parallel()
	full := Rental{
		Requested: at(0), Created: at(1), Ready: at(10), FirstSent: at(11), DrainFrom: at(50), LastAnswer: at(60),
		StopAsked: at(61), Confirmed: at(65), GPUs: 2, Meter: metered(9, 3),
	}
	for missing, forget := range map[string]func(*Rental){
		"nothing": func(*Rental) {}, "ready": func(r *Rental) { r.Ready = time.Time{} }, "first": func(r *Rental) { r.FirstSent = time.Time{} },
		"last": func(r *Rental) { r.LastAnswer = time.Time{} }, "drain": func(r *Rental) { r.DrainFrom = time.Time{} },
		"stop": func(r *Rental) { r.StopAsked = time.Time{} }, "confirmed": func(r *Rental) { r.Confirmed = time.Time{} },
		"order": func(r *Rental) { r.FirstSent, r.LastAnswer = r.LastAnswer, r.FirstSent },
	} {
		r := full
		forget(&r)
		var sum float64
		for _, spent := range r.Bill() {
			sum += spent.GPUSeconds
		}
		if math.Abs(sum-r.GPUSeconds()) > 1e-9 {
			t.Errorf("without %s: the bill adds up to %g of %g", missing, sum, r.GPUSeconds())
		}
	}
}
