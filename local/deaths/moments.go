package deaths

import (
	"net/http"
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// moment is a time in a job's life at which a death can strike.
type moment struct {
	name string

	// rents says that only an endpoint that is rented has such a moment.
	rents bool

	// come reports, from the ledger after a call, whether it is there.
	come func(c setting, l sim.Ledger) bool

	// hold keeps the call that brought the moment from being answered until the
	// death has struck.
	hold bool

	lines  int           // of the job's input, enough for the moment to last
	warmUp time.Duration // of the endpoint, likewise

	fault func(account) (f sim.Fault, some bool) // armed from the start; nil is none
	after func(account) (f sim.Fault, some bool) // takes its place once the death has struck; nil is none
}

func (m moment) called() string { return m.name }

// refusedAfter is how many deletes are refused after a death that struck while
// releasing: some seconds, whoever sends them.
const refusedAfter = 6

var moments = []moment{
	{
		name: "creating", rents: true, hold: true, lines: 150, warmUp: 2 * time.Second,
		come:  func(_ setting, l sim.Ledger) bool { return l.Faults[sim.LostReply] > 0 },
		fault: func(a account) (sim.Fault, bool) { return sim.Fault{Op: a.create, Kind: sim.LostReply, Count: 1}, true },
	},
	{
		name: "warming", lines: 150, warmUp: 4 * time.Second,
		come: func(s setting, l sim.Ledger) bool {
			if s.provider.exists {
				return l.Faults[sim.Status] > 0
			}
			last := len(l.Entries) - 1
			return last >= 0 && l.Entries[last].State == sim.Starting && l.Now.Sub(l.Entries[last].CreatedAt) > time.Second
		},
		fault: func(a account) (sim.Fault, bool) { // a server that loads its model
			return sim.Fault{Op: sim.OpChat, Kind: sim.Status, Status: http.StatusServiceUnavailable}, a.exists
		},
	},
	{
		name: "running", lines: 500, warmUp: time.Second,
		come: func(s setting, l sim.Ledger) bool { return l.Data.DistinctBodies > int64(s.lines/4) },
	},
	{
		name: "releasing", rents: true, lines: 50, warmUp: time.Second,
		come:  func(s setting, l sim.Ledger) bool { return l.Calls[s.provider.remove] >= 2 },
		fault: func(a account) (sim.Fault, bool) { return sim.Fault{Op: a.remove, Kind: sim.Status}, true },
		after: func(a account) (sim.Fault, bool) {
			return sim.Fault{Op: a.remove, Kind: sim.Status, Count: refusedAfter}, true
		},
	},
}

// setting is a case with its rows of the tables, and the sizes that suit both.
type setting struct {
	Case
	provider account
	death    death
	moment   moment
	lines    int
	warmUp   time.Duration
}
