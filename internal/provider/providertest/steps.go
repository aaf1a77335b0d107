package providertest

import (
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// stepCases strike each call of an operation that may take several, one after
// another: whatever state that leaves, going on leads to the end.
func stepCases() []testCase {
	var cases []testCase
	for _, row := range []struct {
		name  string
		fault sim.Fault
	}{
		{"ReplyLost", sim.Fault{Kind: sim.LostReply}},
		{"ReplyTruncated", sim.Fault{Kind: sim.TruncatedJSON}},
		{"ServerError", sim.Fault{Kind: sim.Status}},
		{"CutBefore", sim.Fault{Kind: sim.CutBefore}},
		{"Conflict", sim.Fault{Kind: sim.Status, Status: 409}}, // such as a stale version
	} {
		cases = append(cases,
			testCase{name: "Create/EachCall/" + row.name, run: func(s *stage) { s.eachCall(row.fault, s.createThrough) }},
			testCase{name: "Delete/EachCall/" + row.name, run: func(s *stage) {
				s.eachCall(row.fault, func(arm func()) {
					id := s.ready().ID
					arm()
					s.deleteThrough(id)
				})
			}},
		)
	}
	return append(cases, testCase{name: "Delete/Partial", run: deletePartial})
}

// eachCall tells the story again and again, and lets the fault strike a later
// call each time, until no call is left to strike. Each time the provider is
// new, and the cloud must be empty in the end.
func (s *stage) eachCall(fault sim.Fault, story func(arm func())) {
	fault.Op, fault.Count = sim.AnyControl, 1
	for fault.Every = 1; ; fault.Every++ {
		s.Provider = s.open(token)
		before := s.cloud.Ledger().Faults[fault.Kind]
		story(func() { s.cloud.Inject(fault) })
		s.sweep()
		if s.Failed() {
			s.Fatalf("the fault struck call %d", fault.Every)
		}
		if s.cloud.Ledger().Faults[fault.Kind] == before {
			return
		}
	}
}

// createThrough creates as the workflows do: after a failure that may have had
// an effect it looks for the name, and goes on with what is partial.
func (s *stage) createThrough(arm func()) {
	s.Helper()
	arm()
	rented := s.cloud.Ledger().Calls[sim.OpCreate]
	state, err := s.Create(s.ctx, s.name.String(), s.shape)
	if err != nil {
		s.cloud.ClearFaults()
		s.unrentedUnlessAmbiguous(err)
		state = s.found()
	}
	s.cloud.ClearFaults()
	if owned := s.owned(); len(owned) != 1 || owned[0].ID != state.ID {
		s.Errorf("found %+v, want only %s", owned, state.ID)
	}
	time.Sleep(warmUp) // which spares most of the polling
	if ready := s.await(state.ID, provider.Ready); s.chat(ready) != 200 {
		s.Errorf("ready, but does not answer: %+v", ready)
	}
	if running := s.cloud.Ledger().Running(); len(running) != 1 {
		s.Errorf("after %d calls that rent: %+v", s.cloud.Ledger().Calls[sim.OpCreate]-rented, running)
	}
}

// unrentedUnlessAmbiguous checks that a failed create tells when it may cost
// something.
func (s *stage) unrentedUnlessAmbiguous(err error) {
	s.Helper()
	sorted := s.sorted(err, provider.Ambiguous, provider.Unavailable, provider.Refused)
	if running := s.cloud.Ledger().Running(); sorted.Kind != provider.Ambiguous && len(running) > 0 {
		s.Errorf("error %q of kind %s, but there is %+v", err, sorted.Kind, running)
	}
}

// found returns the case's endpoint after a failed create: what the listing
// shows, or what creating it (again) makes.
func (s *stage) found() provider.State {
	s.Helper()
	if owned := s.owned(); len(owned) > 0 && owned[0].Phase != provider.Partial {
		return owned[0]
	}
	return s.create()
}

// deleteThrough deletes until the endpoint is gone, whatever call fails.
func (s *stage) deleteThrough(id string) {
	s.Helper()
	for begun := time.Now(); ; time.Sleep(drain) {
		if err := s.Delete(s.ctx, id); err != nil {
			s.sorted(err, provider.Unavailable)
		}
		state, err := s.Describe(s.ctx, id)
		if err != nil {
			s.sorted(err, provider.Unavailable)
		}
		if err == nil && state.Phase == provider.Gone {
			return
		}
		if time.Since(begun) > patience {
			s.Fatalf("endpoint %s is not gone: %+v, %v", id, state, err)
		}
	}
}

// deletePartial deletes what a create leaves that is cut short before and after
// the call that rents.
func deletePartial(s *stage) {
	for _, kind := range []sim.Kind{sim.Capacity, sim.Status, sim.LostReply} {
		s.cloud.Inject(sim.Fault{Op: sim.OpCreate, Kind: kind, Count: 1})
		_, err := s.Create(s.ctx, s.name.String(), s.shape)
		s.sorted(err, provider.Ambiguous, provider.Capacity)
		for _, state := range s.owned() {
			s.deleteThrough(state.ID)
		}
		if left, running := s.list(), s.cloud.Ledger().Running(); len(left)+len(running) > 0 {
			s.Errorf("%s: left %+v, running %+v", kind, left, running)
		}
	}
}
