package providertest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nightshift-run/nightshift/internal/provider"
	"github.com/nightshift-run/nightshift/internal/sim"
)

// RunExisting runs the cases for a provider whose endpoints exist already
// (Capabilities.Exists), each as a parallel subtest. Harness.Shape names one of
// Harness.Cloud's Served models; Open must lead to the data plane at BaseURL/v1.
// Each case ends by asking the ledger whether anything was rented.
func RunExisting(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range append(existingCases, existingTroubles()...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, h)
				if !s.Capabilities().Exists {
					t.Fatal("the provider rents its endpoints: they need Run")
				}
				c.run(s)
				s.untouched()
			})
		})
	}
}

var existingCases = []testCase{
	{name: "Existing/Life", run: existingLife},
	{name: "Existing/Check", run: existingCheck},
	{name: "Existing/WrongToken", run: existingWrongToken},
}

// untouched checks that the endpoint answers as ever, and that nothing came of
// the case but that.
func (s *stage) untouched() {
	s.Helper()
	s.cloud.ClearFaults()
	if status := s.chat(s.describe(s.adopt().ID)); status != http.StatusOK {
		s.Errorf("a request at the end: HTTP %d", status)
	}
	if all := s.list(); len(all) != 0 {
		s.Errorf("listed: %+v", all)
	}
	ledger := s.cloud.Ledger()
	if len(ledger.Entries) != 0 || len(ledger.Calls) != 0 {
		s.Errorf("rented: %+v, control planes called: %v", ledger.Entries, ledger.Calls)
	}
}

// adopt creates the endpoint, which is there at once.
func (s *stage) adopt() provider.State {
	s.Helper()
	state, err := s.Create(s.ctx, s.name.String(), s.shape)
	if err != nil {
		s.Fatalf("create: %v", err)
	}
	if state.ID == "" || state.Phase != provider.Ready || state.Model != s.shape.Model || !strings.HasSuffix(state.BaseURL, "/v1") {
		s.Errorf("adopted: %+v", state)
	}
	return state
}

// existingLife: adopting twice is adopting the same, and no call ends it.
func existingLife(s *stage) {
	created := s.adopt()
	if again := s.adopt(); !reflect.DeepEqual(created, again) {
		s.Errorf("adopted %+v, then %+v", created, again)
	}
	for _, step := range []struct {
		name string
		take func() error
	}{
		{"start", func() error { return s.Start(s.ctx, created.ID) }},
		{"stop", func() error { return s.Stop(s.ctx, created.ID) }},
		{"delete", func() error { return s.Delete(s.ctx, created.ID) }},
	} {
		if err := step.take(); err != nil {
			s.Errorf("%s: %v", step.name, err)
		}
		state := s.describe(created.ID)
		if state.Phase != provider.Ready || state.Model != created.Model || state.BaseURL != created.BaseURL || state.ReadyReplicas < 1 {
			s.Errorf("after %s: %+v", step.name, state)
		}
	}
	s.sorted(s.Scale(s.ctx, created.ID, provider.Replicas{Min: 2, Max: 2}), provider.Refused)
}

func existingCheck(s *stage) {
	if err := s.checkShape(s.shape); err != nil {
		s.Error(err)
	}
	other := s.shape
	other.Model = "nobody-serves-this"
	if said := s.sorted(s.checkShape(other), provider.Refused).Message; !strings.Contains(said, s.shape.Model) {
		s.Errorf("the refusal does not name %q: %s", s.shape.Model, said)
	}
	none := s.shape
	none.Model = ""
	s.sorted(s.checkShape(none), provider.Refused)
	_, err := s.Create(s.ctx, s.name.String(), none)
	s.sorted(err, provider.Refused)
}

func existingWrongToken(s *stage) {
	id := s.adopt().ID
	right := s.Provider
	s.Provider = s.open("another-token")
	for _, o := range existingReadings {
		s.sorted(o.try(s, id), provider.Unauthorized)
	}
	s.Provider = right
}

// existingReadings are the methods that ask the server.
var existingReadings = []operation{readings[0], readings[2]}

// existingTroubles are answers of the server that come late, odd or not at all.
// None of them makes the endpoint gone.
func existingTroubles() []testCase {
	var cases []testCase
	for _, row := range []struct {
		name  string
		fault sim.Fault
		kind  provider.Kind // empty: the answer is good enough
	}{
		{"ServerError", sim.Fault{Kind: sim.Status}, provider.Unavailable},
		{"LoadingModel", sim.Fault{Kind: sim.Status, Status: http.StatusServiceUnavailable}, provider.Unavailable},
		{"BadGateway", sim.Fault{Kind: sim.Status, Status: http.StatusBadGateway, Body: "<html>"}, provider.Unavailable},
		{"CutBefore", sim.Fault{Kind: sim.CutBefore}, provider.Unavailable},
		{"NoAnswer", sim.Fault{Kind: sim.Hang}, provider.Unavailable},
		{"WebPage", sim.Fault{Kind: sim.HTML}, provider.Unavailable},
		{"ReplyLost", sim.Fault{Kind: sim.LostReply}, provider.Unavailable},
		{"ReplyTooLate", sim.Fault{Kind: sim.Slow, Delay: 2 * time.Minute}, provider.Unavailable},
		{"RateLimit", sim.Fault{Kind: sim.RetryAfter, RetryAfter: 7 * time.Second}, provider.RateLimited},
		{"ReplySlow", sim.Fault{Kind: sim.Slow, Delay: 20 * time.Second}, ""},
		{"ReplyTrickles", sim.Fault{Kind: sim.Trickle, Delay: time.Second}, ""},
		{"NoRoute", sim.Fault{Kind: sim.Status, Status: http.StatusNotFound}, ""},
		{"NoMethod", sim.Fault{Kind: sim.Status, Status: http.StatusMethodNotAllowed}, ""},
	} {
		row.fault.Op = sim.AnyData
		for _, o := range existingReadings {
			cases = append(cases, testCase{name: "Existing/" + o.name + "/" + row.name, run: func(s *stage) {
				id := s.adopt().ID
				s.cloud.Inject(row.fault)
				err := o.try(s, id)
				if row.kind == "" && err != nil {
					s.Errorf("%s: %v", o.name, err)
				}
				if row.kind != "" && s.sorted(err, row.kind).RetryAfter != row.fault.RetryAfter {
					s.Errorf("%s: %+v, want retry after %v", o.name, err, row.fault.RetryAfter)
				}
			}})
		}
	}
	return cases
}
