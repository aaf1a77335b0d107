package providertest

import (
	"net/http"
	"slices"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// operation is one method of a provider, tried on an endpoint.
type operation struct {
	name   string
	try    func(s *stage, id string) error
	stops  bool   // needs Stop and Start
	scales bool   // needs Scale
	rents  string // the call that asks for GPUs; empty if none does
}

// create is the operation for another endpoint than the case's own.
var create = operation{name: "Create", rents: sim.OpCreate, try: func(s *stage, _ string) error {
	another := s.name
	another.Job = "another"
	_, err := s.Create(s.ctx, another.String(), s.shape)
	return err
}}

var readings = []operation{
	{name: "Check", try: func(s *stage, _ string) error { return s.checkShape(s.shape) }},
	{name: "List", try: func(s *stage, _ string) error { _, err := s.List(s.ctx); return err }},
	{name: "Describe", try: func(s *stage, id string) error { _, err := s.Describe(s.ctx, id); return err }},
}

var changes = []operation{
	{name: "Scale", rents: sim.OpUpdate, scales: true, try: func(s *stage, id string) error {
		return s.Scale(s.ctx, id, provider.Replicas{Min: 2, Max: 2})
	}},
	{name: "Start", rents: sim.OpUpdate, stops: true, try: func(s *stage, id string) error { return s.Start(s.ctx, id) }},
	{name: "Stop", stops: true, try: func(s *stage, id string) error { return s.Stop(s.ctx, id) }},
	{name: "Delete", try: func(s *stage, id string) error { return s.Delete(s.ctx, id) }},
}

// changeCases are changes whose reply comes late or not at all: they may be
// repeated.
func changeCases() []testCase {
	var cases []testCase
	for _, row := range []struct {
		name  string
		fault sim.Fault
	}{
		{"ReplyLost", sim.Fault{Kind: sim.LostReply}},
		{"ReplyCut", sim.Fault{Kind: sim.CutBody}},
		{"ReplyTruncated", sim.Fault{Kind: sim.TruncatedJSON}},
		{"ReplyTooLate", sim.Fault{Kind: sim.Slow, Delay: 2 * time.Minute}},
		{"ReplySlow", sim.Fault{Kind: sim.Slow, Delay: 20 * time.Second}},
		{"ReplyTrickles", sim.Fault{Kind: sim.Trickle, Delay: time.Second}},
	} {
		row.fault.Op, row.fault.Count = sim.AnyControl, 1
		for _, o := range changes {
			cases = append(cases, testCase{name: o.name + "/" + row.name, stops: o.stops, scales: o.scales, run: func(s *stage) {
				id := s.ready().ID
				s.cloud.Inject(row.fault)
				s.repeat(o, id)
			}})
		}
	}
	return cases
}

// repeat tries until it succeeds, as a caller would.
func (s *stage) repeat(o operation, id string) {
	s.Helper()
	err := o.try(s, id)
	if err == nil {
		return
	}
	s.sorted(err, provider.Unavailable)
	time.Sleep(pollEvery)
	if err := o.try(s, id); err != nil {
		s.Errorf("repeated: %v", err)
	}
}

// refusalCases are calls that fail without effect: sorted, and as good as never
// made.
func refusalCases() []testCase {
	cases := []testCase{{name: "WrongToken", run: wrongToken}}
	for _, row := range []struct {
		name         string
		fault        sim.Fault
		create, rest provider.Kind
	}{
		{"ServerError", sim.Fault{Kind: sim.Status}, provider.Ambiguous, provider.Unavailable},
		{"BadGateway", sim.Fault{Kind: sim.Status, Status: http.StatusBadGateway, Body: "<html>"}, provider.Ambiguous, provider.Unavailable},
		{"CutBefore", sim.Fault{Kind: sim.CutBefore}, provider.Ambiguous, provider.Unavailable},
		{"NoAnswer", sim.Fault{Kind: sim.Hang}, provider.Ambiguous, provider.Unavailable},
		{"WebPage", sim.Fault{Kind: sim.HTML}, provider.Ambiguous, provider.Unavailable},
		{"RateLimit", sim.Fault{Kind: sim.RetryAfter, RetryAfter: 7 * time.Second}, provider.RateLimited, provider.RateLimited},
		{"TokenRefused", sim.Fault{Kind: sim.Status, Status: http.StatusUnauthorized}, provider.Unauthorized, provider.Unauthorized},
		{"Forbidden", sim.Fault{Kind: sim.Status, Status: http.StatusForbidden}, provider.Unauthorized, provider.Unauthorized},
		{"Invalid", sim.Fault{Kind: sim.Status, Status: http.StatusUnprocessableEntity}, provider.Refused, provider.Refused},
	} {
		row.fault.Op = sim.OpCreate
		cases = append(cases, refusalCase(create, row.name, row.fault, row.create))
		row.fault.Op = sim.AnyControl
		for _, o := range slices.Concat(readings, changes) {
			cases = append(cases, refusalCase(o, row.name, row.fault, row.rest))
		}
	}
	for _, o := range append(changes, create) {
		if o.rents != "" {
			cases = append(cases, refusalCase(o, "NoCapacity", sim.Fault{Op: o.rents, Kind: sim.Capacity}, provider.Capacity))
		}
	}
	return cases
}

func refusalCase(o operation, name string, fault sim.Fault, kind provider.Kind) testCase {
	return testCase{name: o.name + "/" + name, stops: o.stops, scales: o.scales, run: func(s *stage) {
		id := s.ready().ID
		s.cloud.Inject(fault)
		sorted := s.sorted(o.try(s, id), kind)
		if sorted.RetryAfter != fault.RetryAfter {
			s.Errorf("retry after %v, want %v", sorted.RetryAfter, fault.RetryAfter)
		}
		s.cloud.ClearFaults()
		time.Sleep(2 * warmUp) // what was to happen would have
		s.removePartial(id)
		if all := s.list(); len(all) != 1 || all[0].ID != id || all[0].Phase != provider.Ready || all[0].ReadyReplicas != 1 {
			s.Errorf("the refused call had an effect: %+v", all)
		}
	}}
}

// removePartial deletes what a refused create of several calls has left, which
// must not be able to cost anything.
func (s *stage) removePartial(but string) {
	s.Helper()
	for _, state := range s.list() {
		if state.ID == but || state.Phase != provider.Partial {
			continue
		}
		for _, running := range s.cloud.Ledger().Running() {
			if running.ID == state.ID {
				s.Errorf("the refused create left %+v", running)
			}
		}
		s.remove(state.ID)
	}
}

func wrongToken(s *stage) {
	id := s.ready().ID
	right := s.Provider
	s.Provider = s.open("another-token")
	for _, o := range slices.Concat(readings, changes, []operation{create}) {
		if can := s.Capabilities(); o.stops && !can.CanStop || o.scales && !can.CanScale {
			continue
		}
		s.sorted(o.try(s, id), provider.Unauthorized)
	}
	s.Provider = right
}
