package report

import (
	"fmt"
	"path"
	"time"

	"github.com/nightshift-run/nightshift/internal/stats"
	"github.com/nightshift-run/nightshift/jobs"
)

// page is what the template shows, in words.
type page struct {
	Report      jobs.Report
	WebUI       string
	Title       string
	When        string
	Tiles       []tile
	Split       []bar // of the requests, by what came of them
	Unconfirmed []jobs.Rental
	Timeline    *timeline
	Phases      []row
	Bill        []row
	Total       row
	Throughput  []plot
	Latency     []*plot
	Tries       string
	Faults      []fault
	Rentals     []rental
	Files       []file
	Inputs      []string
	MoreInputs  int
	Measured    string
}

// tile is a figure that a reader looks for first.
type tile struct{ Name, Value, Note string }

// row is a line of the table of phases or of the bill.
type row struct{ Class, Name, Began, Took, Minutes, Cost string }

// fault is a class of errors with its share of the errors.
type fault struct {
	stats.Fault
	Count, Share string
	Bar          bar
}

// file is a result file.
type file struct{ Name, URL, Lines, Size, SHA256 string }

// shownInputs bounds the list of inputs.
const shownInputs = 20

func newPage(d Document, o Options) page {
	r := d.Report
	p := page{
		Report: r, WebUI: o.WebUI, Title: r.Name, Unconfirmed: r.Unconfirmed(), Timeline: newTimeline(r),
		When:  fmt.Sprintf("%s to %s", moment(r.Started), moment(r.Finished)),
		Tiles: tiles(r), Split: split(r.Counts), Phases: phaseRows(r), Bill: billRows(r),
		Inputs: r.Input[:min(len(r.Input), shownInputs)], MoreInputs: max(0, len(r.Input)-shownInputs),
	}
	if p.Title == "" {
		p.Title = r.Job
	}
	p.Total = row{Name: "total", Took: took(r.Finished.Sub(r.Started)), Minutes: minutes(r.GPUSeconds()), Cost: cost(r.Cost, r.GPUSeconds())}
	for _, one := range r.Rentals {
		p.Rentals = append(p.Rentals, newRental(one))
	}
	for _, one := range r.Files {
		p.Files = append(p.Files, file{path.Base(one.URL), one.URL, grouped(one.Lines), size(one.Bytes), one.SHA256})
	}
	if d.Measured != nil {
		p.measure(d.Measured)
	}
	return p
}

// measure adds what only measurements tell.
func (p *page) measure(m *stats.Measurements) {
	p.Throughput = throughput(m, p.Report.Started)
	for _, plot := range []*plot{
		distribution(&m.Latency, "Time for an answer", "c-latency", timeRatios, seconds),
		distribution(&m.Speed, "Output tokens a second, of one request", "c-speed", ratios, number),
	} {
		if plot != nil {
			p.Latency = append(p.Latency, plot)
		}
	}
	p.Faults = faults(m.Errors.List())
	if m.Tries.Sent > 0 {
		p.Tries = fmt.Sprintf("%s requests were sent: %s refused, %s throttled, %s without a usable answer, %s while the endpoint was away.",
			grouped(m.Tries.Sent), grouped(m.Tries.Refused), grouped(m.Tries.Throttled), grouped(m.Tries.Failed), grouped(m.Tries.Gone))
		p.Measured = coverage(m.Results, p.Report.Counts.Done()-p.Report.Counts.Invalid)
	}
}

// coverage says how far the measurements and the results are the same.
func coverage(measured, results int64) string {
	switch {
	case measured < results:
		return fmt.Sprintf("The charts show %s of %s results: the measurements of the others were lost with an attempt that was killed.", grouped(measured), grouped(results))
	case measured > results:
		return fmt.Sprintf("The charts show %s results, and the files have %s: some requests were answered twice, since an attempt that was cut off and the one after it both sent them. One answer counts.", grouped(measured), grouped(results))
	}
	return fmt.Sprintf("The charts show all %s results.", grouped(results))
}

func tiles(r jobs.Report) []tile {
	all := []tile{{"results", grouped(r.Counts.Done()), countsNote(r.Counts)}, {"took", took(r.Finished.Sub(r.Started)), busyNote(r)}}
	if billed := r.GPUSeconds(); billed > 0 {
		all = append(all,
			tile{"cost", r.Cost.String(), unitCost(r)},
			tile{"GPU minutes", minutes(billed), "billed, " + percent(r.Wasted, 1) + " with nothing to answer"})
	}
	if len(r.Rentals) > 0 && r.GPUSeconds() == 0 {
		all = append(all, tile{"cost", "none", "no GPU time was billed"})
	}
	if tokens := r.Usage.InputTokens + r.Usage.OutputTokens; tokens > 0 {
		all = append(all, tile{"tokens", short(float64(tokens)), grouped(r.Usage.InputTokens) + " in, " + grouped(r.Usage.OutputTokens) + " out"})
		if busy := busySeconds(r); busy > 0 {
			all = append(all, tile{"tokens a second", short(float64(tokens) / busy), "in and out, from first request to last answer"})
		}
	}
	return all
}

func countsNote(c jobs.Counts) string {
	note := "of " + grouped(c.Total) + " requests"
	if c.Invalid > 0 {
		note += ", " + grouped(c.Invalid) + " of them invalid and never sent"
	}
	return note
}

func busySeconds(r jobs.Report) (sum float64) {
	for _, rental := range r.Rentals {
		if !rental.FirstSent.IsZero() && rental.LastAnswer.After(rental.FirstSent) {
			sum += rental.LastAnswer.Sub(rental.FirstSent).Seconds()
		}
	}
	return sum
}

func busyNote(r jobs.Report) string {
	busy := busySeconds(r)
	switch {
	case r.Counts.Done() == 0:
		return "no request was answered"
	case busy == 0:
		return ""
	}
	return seconds(busy) + " of it answering, " + number(float64(r.Counts.Done())/busy) + " results/s"
}

func unitCost(r jobs.Report) string {
	if r.Cost.IsZero() || r.Counts.Completed == 0 {
		return ""
	}
	each := r.Cost
	each.Amount *= 1000 / float64(r.Counts.Completed)
	return each.String() + " per 1,000 answers"
}

func split(c jobs.Counts) []bar {
	var bars []bar
	var from int64
	for _, part := range []struct {
		n     int64
		class string
		name  string
	}{{c.Completed, "s-completed", "completed"}, {c.Failed, "s-failed", "failed"}, {c.NeverRan, "s-never", "never ran"}} {
		if part.n > 0 && c.Total > 0 {
			total := float64(c.Total)
			bars = append(bars, newBar(float64(from)/total, float64(from+part.n)/total, 1, part.class, grouped(part.n)+" "+part.name))
			from += part.n
		}
	}
	return bars
}

func phaseRows(r jobs.Report) []row {
	var rows []row
	for _, phase := range r.Phases {
		rows = append(rows, row{
			Class: "p-" + string(phase.Phase), Name: string(phase.Phase), Began: clock(phase.Start), Took: took(phase.End.Sub(phase.Start)),
			Minutes: minutes(phase.GPUSeconds), Cost: cost(phase.Cost, phase.GPUSeconds),
		})
	}
	return rows
}

func billRows(r jobs.Report) []row {
	var rows []row
	for _, spent := range r.Bill {
		if spent.Seconds > 0 {
			rows = append(rows, row{Name: string(spent.Doing), Took: seconds(spent.Seconds), Minutes: minutes(spent.ReplicaSeconds), Cost: cost(spent.Cost, spent.ReplicaSeconds)})
		}
	}
	return rows
}

func faults(list []stats.Fault) []fault {
	var rows []fault
	var all float64
	for _, one := range list {
		all += float64(one.Count)
	}
	for _, one := range list {
		share := float64(one.Count) / all
		rows = append(rows, fault{one, grouped(one.Count), percent(share, 1), newBar(0, max(share, 0.01), 1, "", grouped(one.Count))})
	}
	return rows
}

// rental is one endpoint in words.
type rental struct {
	jobs.Rental
	Name, Price string
	Moments     []row
}

func newRental(r jobs.Rental) rental {
	shown := rental{Rental: r, Name: r.ID}
	if r.ID == "" {
		shown.Name = "an endpoint that never was"
	}
	if !r.Price.IsZero() {
		shown.Price = fmt.Sprintf("%s for a replica for an hour, says %s", r.Price, r.PriceFrom)
	}
	returned, before := time.Time{}, time.Time{}
	if r.Returned() {
		returned = r.Shared.Left
	}
	for _, moment := range []struct {
		name string
		at   time.Time
	}{
		{"asked for", r.Requested}, {"created", r.Created}, {"ready: answered its first request", r.Ready}, {"first request of the job", r.FirstSent},
		{"last answer", r.LastAnswer}, {"returned to those who share it", returned}, {"stop accepted", r.StopAsked}, {"confirmed off", r.Confirmed},
	} {
		if moment.at.IsZero() {
			continue
		}
		line := row{Name: moment.name, Began: clock(moment.at)}
		if !before.IsZero() {
			line.Took = "+" + took(moment.at.Sub(before))
		}
		shown.Moments, before = append(shown.Moments, line), moment.at
	}
	return shown
}
