package providertest

import (
	"reflect"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

func deleteStopped(s *stage) {
	id := s.ready().ID
	if err := s.Stop(s.ctx, id); err != nil {
		s.Fatal(err)
	}
	s.await(id, provider.Stopped)
	s.remove(id)
}

// deleteWhileStarting: a provider that is too busy to delete says so, and is
// asked again.
func deleteWhileStarting(s *stage) {
	id := s.create().ID
	s.cloud.Inject(sim.Fault{Op: sim.AnyControl, Kind: sim.Busy})
	for range 3 {
		s.sorted(s.Delete(s.ctx, id), provider.Unavailable)
	}
	s.cloud.ClearFaults()
	s.remove(id)
}

func deleteTwice(s *stage) {
	id := s.ready().ID
	for range 2 {
		if err := s.Delete(s.ctx, id); err != nil {
			s.Errorf("delete: %v", err)
		}
		if phase := s.describe(id).Phase; phase != provider.Stopping && phase != provider.Gone {
			s.Errorf("asked to delete: %s", phase)
		}
	}
	s.remove(id)
	if err := s.Delete(s.ctx, id); err != nil {
		s.Errorf("delete of what is gone: %v", err)
	}
}

func absent(s *stage) {
	id := s.create().ID
	s.remove(id)
	if state := s.describe(id); !reflect.DeepEqual(state, provider.State{ID: id, Phase: provider.Gone}) {
		s.Errorf("described: %+v", state)
	}
	if err := s.Delete(s.ctx, id); err != nil {
		s.Errorf("delete: %v", err)
	}
	if s.Capabilities().CanScale {
		s.sorted(s.Scale(s.ctx, id, s.shape.Replicas), provider.Refused)
	}
	if !s.Capabilities().CanStop {
		return
	}
	if err := s.Stop(s.ctx, id); err != nil {
		s.Errorf("stop: %v", err)
	}
	s.sorted(s.Start(s.ctx, id), provider.Refused)
}
