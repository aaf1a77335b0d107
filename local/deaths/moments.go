package deaths

import (
	"time"

	"github.com/nightshift-run/nightshift/internal/sim"
)

// moment is a time in a job's life at which a death can strike.
type moment struct {
	name string

	// come reports, from the ledger after a call, whether it is there.
	come func(c setting, l sim.Ledger) bool

	// hold keeps the call that brought the moment from being answered until the
	// death has struck.
	hold bool

	lines  int           // of the job's input, enough for the moment to last
	warmUp time.Duration // of the endpoint, likewise

	fault func(rented) sim.Fault // armed from the start; nil is none
	after func(rented) sim.Fault // takes its place once the death has struck; nil is none
}

func (m moment) called() string { return m.name }

// refusedAfter is how many deletes are refused after a death that struck while
// releasing: some seconds, whoever sends them.
const refusedAfter = 6

var moments = []moment{
	{
		name: "creating", hold: true, lines: 150, warmUp: 2 * time.Second,
		come:  func(_ setting, l sim.Ledger) bool { return l.Faults[sim.LostReply] > 0 },
		fault: func(r rented) sim.Fault { return sim.Fault{Op: r.create, Kind: sim.LostReply, Count: 1} },
	},
	{
		name: "warming", lines: 150, warmUp: 4 * time.Second,
		come: func(_ setting, l sim.Ledger) bool {
			last := len(l.Entries) - 1
			return last >= 0 && l.Entries[last].State == sim.Starting && l.Now.Sub(l.Entries[last].CreatedAt) > time.Second
		},
	},
	{
		name: "running", lines: 500, warmUp: time.Second,
		come: func(s setting, l sim.Ledger) bool { return l.Total.Answered > int64(s.lines/4) },
	},
	{
		name: "releasing", lines: 50, warmUp: time.Second,
		come:  func(s setting, l sim.Ledger) bool { return l.Calls[s.provider.remove] >= 2 },
		fault: func(r rented) sim.Fault { return sim.Fault{Op: r.remove, Kind: sim.Status} },
		after: func(r rented) sim.Fault { return sim.Fault{Op: r.remove, Kind: sim.Status, Count: refusedAfter} },
	},
}

// setting is a case with its rows of the tables, and the sizes that suit both.
type setting struct {
	Case
	provider rented
	death    death
	moment   moment
	lines    int
	warmUp   time.Duration
}
