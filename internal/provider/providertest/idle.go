package providertest

import (
	"net/http"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
)

// idleStop: an endpoint that the provider stops by itself is seen to be off and
// costs nothing more, until a request starts it where that is how it is.
func idleStop(s *stage) {
	ready, idle := s.ready(), s.Capabilities().IdleStop
	time.Sleep(idle / 2)
	if status := s.chat(ready); status != http.StatusOK {
		s.Errorf("a request to the ready endpoint: HTTP %d", status)
	}
	time.Sleep(idle - pollEvery)
	if state := s.describe(ready.ID); state.Phase != provider.Ready {
		s.Errorf("before it was idle for %v: %+v", idle, state)
	}
	s.await(ready.ID, provider.Stopped)
	before := s.cloud.Ledger().Total
	time.Sleep(idle)
	if after := s.cloud.Ledger().Total; after != before {
		s.Errorf("billed while it was stopped: %+v, before %+v", after, before)
	}
	if !s.harness.Wakes {
		return
	}
	if status := s.chat(ready); status != http.StatusOK {
		s.Errorf("a request to the stopped endpoint: HTTP %d", status)
	}
	if state := s.describe(ready.ID); state.Phase != provider.Ready {
		s.Errorf("started by a request: %+v", state)
	}
}
