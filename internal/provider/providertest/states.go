package providertest

import (
	"strings"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// unknownState: words that nobody knows are waited out, whatever they are.
func unknownState(s *stage) {
	id := s.create().ID
	for _, word := range []string{"hibernating", "Ready?", "two\nlines", strings.Repeat("x", 10_000)} {
		s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.UnknownState, Body: word})
		state := s.describe(id)
		s.cloud.ClearFaults()
		if state.Phase != provider.Unknown || len(state.Detail) > 300 || strings.Contains(state.Detail, "\n") {
			s.Errorf("state %.20q is phase %s, detail %.100q", word, state.Phase, state.Detail)
		}
	}
	s.await(id, provider.Ready)
}

// errorAndBack: an endpoint that is shown as failed may be well again at the
// next look, and is only Failed where the provider's word for it is final.
func errorAndBack(s *stage) {
	id := s.ready().ID
	want := provider.Stalled
	if s.harness.FailedIsFinal {
		want = provider.Failed
	}
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.ErrorState})
	if state := s.describe(id); state.Phase != want {
		s.Errorf("shown as failed: %+v", state)
	}
	s.cloud.ClearFaults()
	if state := s.describe(id); state.Phase != provider.Ready {
		s.Errorf("after that: %+v", state)
	}
}

func fails(s *stage) {
	id := s.ready().ID
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.Fail, Count: 1})
	for range 2 {
		if state := s.describe(id); state.Phase != provider.Stalled && state.Phase != provider.Failed || state.ReadyReplicas != 0 {
			s.Errorf("failed: %+v", state)
		}
	}
	s.remove(id)
}

func vanishes(s *stage) {
	id := s.ready().ID
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.Vanish, Count: 1})
	if state := s.describe(id); state.Phase != provider.Gone {
		s.Errorf("vanished: %+v", state)
	}
	s.remove(id)
}

// listingLags: an endpoint that the listing does not show yet is no error.
func listingLags(s *stage) {
	id := s.create().ID
	s.cloud.Inject(sim.Fault{Op: sim.OpList, Kind: sim.EmptyChoices, Count: 1})
	if state, err := s.Describe(s.ctx, id); err != nil || state.ID != id || state.Phase.Usable() {
		s.Errorf("not listed yet: %+v, %v", state, err)
	}
	s.await(id, provider.Ready)
}
