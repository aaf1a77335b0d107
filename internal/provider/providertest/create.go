package providertest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// createCases are creates that may have taken effect although they failed.
func createCases() []testCase {
	cases := []testCase{{name: "Create/Cancelled", run: createCancelled}}
	for _, row := range []struct {
		name  string
		fault sim.Fault
		exist int // endpoints in the end
	}{
		{"ReplyLost", sim.Fault{Kind: sim.LostReply}, 1},
		{"ReplyCut", sim.Fault{Kind: sim.CutBody}, 1},
		{"ReplyTruncated", sim.Fault{Kind: sim.TruncatedJSON}, 1},
		{"ReplyTooLate", sim.Fault{Kind: sim.Slow, Delay: 2 * time.Minute}, 1},
		{"AppearsLater", sim.Fault{Kind: sim.LateCreate, Delay: 2 * time.Minute}, 1},
		{"AppearsLaterThanGatewayTimeout", sim.Fault{Kind: sim.LateCreate, Status: http.StatusGatewayTimeout, Delay: 2 * time.Minute}, 1},
		{"WebPage", sim.Fault{Kind: sim.HTML}, 0},
		{"CutBefore", sim.Fault{Kind: sim.CutBefore}, 0},
		{"NoAnswer", sim.Fault{Kind: sim.Hang}, 0},
		{"ServerError", sim.Fault{Kind: sim.Status}, 0},
	} {
		row.fault.Op, row.fault.Count = sim.OpCreate, 1
		cases = append(cases, testCase{name: "Create/" + row.name, run: func(s *stage) {
			s.cloud.Inject(row.fault)
			_, err := s.Create(s.ctx, s.name.String(), s.shape)
			s.sorted(err, provider.Ambiguous)
			s.onlyOneCreate(row.exist)
		}})
	}
	return cases
}

// onlyOneCreate checks that create was called once, and what came of it.
func (s *stage) onlyOneCreate(exist int) {
	s.Helper()
	time.Sleep(10 * time.Minute) // longer than anything comes late
	if calls := s.cloud.Ledger().Calls[sim.OpCreate]; calls != 1 {
		s.Errorf("create was called %d times", calls)
	}
	owned := s.owned()
	if len(owned) == 1 && owned[0].Phase == provider.Partial {
		s.goesOn(owned[0], exist)
		return
	}
	if len(owned) != exist {
		s.Fatalf("found %+v, want %d endpoints", owned, exist)
	}
	for _, found := range owned {
		s.await(found.ID, provider.Ready)
		s.remove(found.ID)
	}
}

// goesOn completes an endpoint whose creation was cut short, before or after
// the call that rents.
func (s *stage) goesOn(partial provider.State, rented int) {
	s.Helper()
	if state := s.create(); state.ID != partial.ID {
		s.Errorf("create of %s went on as %s", partial.ID, state.ID)
	}
	if calls := s.cloud.Ledger().Calls[sim.OpCreate]; calls != int64(2-rented) {
		s.Errorf("create was called %d times", calls)
	}
	if owned := s.owned(); len(owned) != 1 {
		s.Errorf("found %+v, want one", owned)
	}
	s.await(partial.ID, provider.Ready)
	s.remove(partial.ID)
}

func createCancelled(s *stage) {
	s.cloud.Inject(sim.Fault{Op: sim.OpCreate, Kind: sim.Slow, Delay: 5 * time.Second})
	ctx, cancel := context.WithTimeout(s.ctx, time.Second)
	defer cancel()
	_, err := s.Create(ctx, s.name.String(), s.shape)
	if s.sorted(err, provider.Ambiguous); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("error %v does not wrap the context's", err)
	}
	s.onlyOneCreate(1)
}
